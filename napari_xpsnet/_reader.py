"""Reader hook: spectroscopy files and our own stores, by drag and drop or File > Open.

Only extensions that no other program uses are claimed, and a folder never is, so that napari
asks nobody which plugin should open a csv file or an image. The rest comes in through File >
IO Utilities > Open XPS spectra...
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari_xpsnet._layers import LayerTuple, spectra_layer

EXTENSIONS = (".vms", ".vamas", ".npl", ".xps.nc")

Paths = str | Sequence[str]


def get_reader(path: Paths) -> Callable[[Paths], list[LayerTuple]] | None:
    """Return the reader for files with our extensions and the right content, else None."""
    paths = [path] if isinstance(path, str) else list(path)
    if paths and all(_is_ours(Path(one)) for one in paths):
        return read_layers
    return None


def _is_ours(path: Path) -> bool:
    """Whether name and first bytes are those of a VAMAS file or of an HDF5/netCDF store."""
    if not path.name.lower().endswith(EXTENSIONS) or not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(2048)
    if path.name.lower().endswith(".xps.nc"):
        return head.startswith((b"\x89HDF\r\n\x1a\n", b"CDF"))
    return b"VAMAS" in head


def read_layers(path: Paths, **told: Any) -> list[LayerTuple]:
    """One layer per region.

    Parameters
    ----------
    path : str or sequence of str
        File, or files that belong together.
    **told
        What the files do not say: `scale`, `photon_energy`, `energy_offset` of `xpsnet.read`.

    Raises
    ------
    xpsnet.ReadError
        With file, place, what was expected and what came.
    """
    import xpsnet

    name = path if isinstance(path, str) else [str(one) for one in path]
    regions = xpsnet.read(name, **told)
    names = [region.name for region in regions]
    layers = []
    for index, spectra in enumerate(regions):
        unique = bool(spectra.name) and names.count(spectra.name) == 1
        region = str(spectra.name) if unique else index
        origin = {"call": "read", "name": name, "region": region, "told": told}
        layers.append(spectra_layer(spectra, origin=origin))
    return layers
