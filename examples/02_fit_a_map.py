"""
Fit a map
=========

Find the peaks of every pixel of a map and turn them into images.
"""

import numpy as np

import xpsnet

(spectra,) = xpsnet.read("data/c1s_map.xps.nc")
print(dict(spectra.sizes))

# %%
# The network alone is fast. It says how many peaks each pixel has, and where they are.

peaks = xpsnet.predict(spectra)
counts, pixels = np.unique(peaks.n_peaks, return_counts=True)
for count, n in zip(counts, pixels, strict=True):
    print(f"{n} pixels with {count} peaks")

# %%
# The dimensions ``y`` and ``x`` are kept, so that every variable is an image with its scale. The
# surface charges from left to right: the first peak moves.

first = peaks.center.sel(peak=1)
first.plot(robust=True)
print(f"first peak on the left at {float(first.isel(x=0).median()):.2f} eV,", end=" ")
print(f"on the right at {float(first.isel(x=-1).median()):.2f} eV")

# %%
# :func:`xpsnet.fit` also refines, and gives standard errors. Here a part of the map is enough.

refined = xpsnet.fit(spectra.isel(y=slice(0, 3), x=slice(0, 3)))
print(f"standard error of one pixel: {float(refined.center_stderr.sel(peak=1).mean()):.3f} eV")

# %%
# A netCDF file keeps all variables with their units.

xpsnet.write(peaks, "map_peaks.nc", overwrite=True)
