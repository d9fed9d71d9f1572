"""
A doublet along a line
======================

Silicon and its oxide along a line: the two lines of Si 2p are tied as a doublet with the splitting
and the ratio of the table, and each line is followed over the scan.
"""

import xpsnet

scan = xpsnet.sample("line_scan")
peaks = xpsnet.fit(scan, doublets="Si 2p")

# %%
# ``partner`` names the other line of a doublet, 0 where there is none. Splitting and ratio of the
# areas are those of the table of levels.

silicon = peaks.isel(position=30)
print("partners:", silicon.partner.values)
print(f"splitting: {float(silicon.center[1] - silicon.center[0]):.2f} eV")
print(f"ratio of the areas: {float(silicon.area[1] / silicon.area[0]):.2f}")

# %%
# :func:`xpsnet.follow` puts each line at the same place along ``peak``, and gives it a name.

states = xpsnet.follow(peaks, labels=("Si 2p3/2", "Si 2p1/2", "oxide"))
area = states.area.assign_coords(peak=states.label.values)
area.plot.line(x="position", marker=".")

# %%
# The spectrum in the middle of the line:

figure = xpsnet.plot(scan, states, isel={"position": 30})
