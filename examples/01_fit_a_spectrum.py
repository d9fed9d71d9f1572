"""Read a spectrum, find and refine its peaks, and keep a table and a figure."""

from pathlib import Path

import xpsnet

DATA = Path(__file__).parent / "data"

if __name__ == "__main__":
    (spectrum,) = xpsnet.read(DATA / "c1s_spectrum.csv")
    peaks = xpsnet.fit(spectrum)

    print(f"{int(peaks.n_peaks)} peaks, reduced chi-square {float(peaks.redchi):.2f}")
    for peak in peaks.peak.values:
        one = peaks.sel(peak=peak)
        print(f"{float(one.center):.3f} +- {float(one.center_stderr):.3f} eV", end="   ")
        print(f"area {float(one.area):.0f} +- {float(one.area_stderr):.0f} counts eV")

    xpsnet.write(peaks, "spectrum_peaks.csv")
    xpsnet.plot(spectrum, peaks).savefig("spectrum_fit.png", dpi=200)
