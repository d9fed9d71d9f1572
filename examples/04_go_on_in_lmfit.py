"""Start from the network and go on in lmfit itself, with constraints of your own."""

from pathlib import Path

import xpsnet

DATA = Path(__file__).parent / "data"

if __name__ == "__main__":
    (spectrum,) = xpsnet.read(DATA / "c1s_spectrum.csv")
    model, parameters = xpsnet.to_lmfit(spectrum, xpsnet.predict(spectrum, n_peaks=3))
    print(list(parameters))
