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
    shift = peaks.center.min("peak") - peaks.center.min()
    print(f"the first peak moves by {float(shift.max()):.2f} eV over the map")
    print(f"standard error of its center: {float(refined.center_stderr.min('peak').mean()):.3f} eV")

    # y and x are kept: every variable is an image with its scale.
    xpsnet.write(peaks, "map_peaks.nc")
