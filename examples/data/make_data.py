"""Write the bundled spectra: a C 1s spectrum and a C 1s map, both simulated (xpsnet.sample).

python examples/data/make_data.py
"""

from pathlib import Path

import xpsnet

HERE = Path(__file__).parent

if __name__ == "__main__":
    xpsnet.write(xpsnet.sample("spectrum"), HERE / "c1s_spectrum.csv", overwrite=True)
    # Every second pixel of the sample map in both directions keeps the demo short.
    xpsnet.write(
        xpsnet.sample("map")[::2, ::2].astype("float32"), HERE / "c1s_map.xps.nc", overwrite=True
    )
