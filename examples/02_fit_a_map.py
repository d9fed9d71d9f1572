"""Find the peaks of every pixel of a map and turn them into images."""

from pathlib import Path

import numpy as np

import xpsnet

DATA = Path(__file__).parent / "data"

if __name__ == "__main__":
    (spectra,) = xpsnet.read(DATA / "c1s_map.xps.nc")
    # The network alone is quick; refine a part of the map, where standard errors are wanted.
    peaks = xpsnet.predict(spectra)
    refined = xpsnet.fit(spectra.isel(y=slice(0, 3), x=slice(0, 3)))

    counts, pixels = np.unique(peaks.n_peaks, return_counts=True)
    for count, n in zip(counts, pixels, strict=True):
        print(f"{n} pixels with {count} peaks")
    first = peaks.center.sel(peak=1)
    print(f"first peak on the left at {float(first.isel(x=0).median()):.2f} eV,", end=" ")
    print(f"on the right at {float(first.isel(x=-1).median()):.2f} eV (the surface charges)")
    print(f"standard error of one pixel: {float(refined.center_stderr.sel(peak=1).mean()):.3f} eV")

    # y and x are kept: every variable is an image with its scale.
    xpsnet.write(peaks, "map_peaks.nc")
