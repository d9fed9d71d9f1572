"""
Fit a spectrum
==============

Read a C 1s spectrum from a file, find and refine its peaks, and keep a table and a figure.
"""

# %%
# The format is found from the content of the file. A file may hold several regions, so that
# :func:`xpsnet.read` gives a list; this one holds one spectrum.

import xpsnet

(spectrum,) = xpsnet.read("data/c1s_spectrum.csv")
print(spectrum.name, spectrum.attrs["scale"], spectrum.sizes)

# %%
# :func:`xpsnet.fit` needs no start values. The name of the region says which level it is: models
# with one, two, ... chemical states are fitted together with the background, and compared.

peaks = xpsnet.fit(spectrum)

print(peaks.attrs["model_choice_text"])
print(f"{int(peaks.n_peaks)} peaks, reduced chi-square {float(peaks.redchi):.2f}")
for peak in peaks.peak.values:
    one = peaks.sel(peak=peak)
    print(f"{float(one.center):.3f} +- {float(one.center_stderr):.3f} eV", end="   ")
    print(f"area {float(one.area):.0f} +- {float(one.area_stderr):.0f} counts eV")

# %%
# The figure shows the points, the background, the peaks and the residual in standard deviations.

figure = xpsnet.plot(spectrum, peaks)

# %%
# The ending of a file name decides the format: ``.csv``, ``.xlsx``, ``.nc``, ``.zarr``, ``.nxs`` or
# ``.vms``.

figure.savefig("spectrum_fit.png", dpi=200)
xpsnet.write(peaks, "spectrum_peaks.csv", overwrite=True)
