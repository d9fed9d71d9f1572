"""Reader for napari: files of spectroscopy by drag and drop or File > Open.

Only extensions that no other program uses are claimed, and no folders: otherwise napari would ask
which plugin should open a csv file or an image. All other files are opened with File > IO
Utilities > Open XPS spectra...
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer

from napari_xpsnet._layers import LayerTuple
from napari_xpsnet._regions import Region, RegionFile, file_layer, file_name, make_region
from napari_xpsnet._session import session_layers
from napari_xpsnet._session_files import SUFFIX, open_dock

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
"""Extensions of spectroscopy only; other files with these names are recognized by content."""

_PLAIN_TEXT = (".xy",)
"""Extensions of files that hold only columns of numbers."""

Paths = str | Sequence[str]


def get_reader(path: Paths) -> Callable[[Paths], list[LayerTuple]] | None:
    """Return the reader for files with our extensions that hold spectra, else None."""
    paths = [path] if isinstance(path, str) else list(path)
    if paths and all(_is_ours(Path(one)) for one in paths):
        return read_layers
    return None


def _is_ours(path: Path) -> bool:
    """Whether the name and the first bytes are those of a file with spectra."""
    if not path.name.lower().endswith(EXTENSIONS) or not path.is_file():
        return False
    import xpsnet
    from xpsnet.io.read import sniff

    try:
        found = sniff(path)
    except xpsnet.ReadError:
        return False
    return found != "no spectra" and (found != "text" or path.suffix.lower() in _PLAIN_TEXT)


def read_layers(path: Paths, **given: Any) -> list[LayerTuple]:
    """One layer for all regions of a file; it shows one of them at a time.

    Parameters
    ----------
    path : str or sequence of str
        File, or files that belong together.
    **given
        What the files do not state: `scale`, `photon_energy`, `energy_offset` and `sum_over` of
        `xpsnet.read`.

    Raises
    ------
    xpsnet.ReadError
        With file, place, what was expected and what came.
    """
    from xpsnet.io.stores.session import is_session

    if isinstance(path, str) and path.lower().endswith(SUFFIX) and is_session(path):
        QTimer.singleShot(0, open_dock)
        return session_layers(path)
    regions = read_regions(path, **given)
    name = file_name(path)
    return [file_layer(RegionFile(name, regions))] if regions else []


def read_regions(path: Paths, **given: Any) -> list[Region]:
    """All regions of a file, on the binding-energy scale where the photon energy is known.

    Parameters
    ----------
    path, **given
        As for `read_layers`.
    """
    import xpsnet

    name = path if isinstance(path, str) else [str(one) for one in path]
    found = xpsnet.read(name, **given)
    names = [spectra.name for spectra in found]
    regions = []
    for index, spectra in enumerate(found):
        unique = bool(spectra.name) and names.count(spectra.name) == 1
        region = str(spectra.name) if unique else index
        origin = {"call": "read", "name": name, "region": region, "given": given}
        regions.append(make_region(spectra, origin))
    return regions


def prepare() -> None:
    """Load what the first file needs, so that it does not wait: readers and units."""
    import pint

    import xpsnet.io.read  # noqa: F401 - loaded here, used later

    pint.get_application_registry().Unit("eV")
