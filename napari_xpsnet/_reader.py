"""Reader hook: spectroscopy files and our own stores, by drag and drop or File > Open.

Only extensions that no other program uses are claimed, and a folder never is, so that napari
asks nobody which plugin should open a csv file or an image. The rest comes in through File >
IO Utilities > Open XPS spectra...
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari_xpsnet._layers import LayerTuple, spectra_layer

EXTENSIONS = (
    ".vms", ".vamas", ".npl",  # VAMAS
    ".vgd", ".avg",  # Thermo Avantage
    ".spe", ".pro",  # PHI MultiPak
    ".ibw", ".pxt", ".itx",  # Scienta SES and others, by way of Igor
    ".xy", ".sle",  # SPECS
    ".kal", ".dset",  # Kratos
    ".nxs",  # NeXus
    ".xps.nc",  # our own
)  # fmt: skip
"""Of spectroscopy alone; what other programs write under the same name is told by content."""

_PLAIN_TEXT = (".xy",)
"""Extensions under which programs of spectroscopy write bare columns of numbers."""

Paths = str | Sequence[str]


def get_reader(path: Paths) -> Callable[[Paths], list[LayerTuple]] | None:
    """Return the reader for files with our extensions and the right content, else None."""
    paths = [path] if isinstance(path, str) else list(path)
    if paths and all(_is_ours(Path(one)) for one in paths):
        return read_layers
    return None


def _is_ours(path: Path) -> bool:
    """Whether name and first bytes are those of a file of spectra."""
    if not path.name.lower().endswith(EXTENSIONS) or not path.is_file():
        return False
    from xpsnet.io.common.errors import ReadError
    from xpsnet.io.read import sniff

    try:
        found = sniff(path)
    except ReadError:
        return False
    return found != "no spectra" and (found != "text" or path.suffix.lower() in _PLAIN_TEXT)


def read_layers(path: Paths, **told: Any) -> list[LayerTuple]:
    """One layer per region.

    Parameters
    ----------
    path : str or sequence of str
        File, or files that belong together.
    **told
        What the files do not say: `scale`, `photon_energy`, `energy_offset` of `xpsnet.read`;
        its `sum_over`.

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
