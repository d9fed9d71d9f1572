"""Automatic peak fitting of photoemission (XPS) spectra, line scans and maps."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for editors and type checkers; at run time __getattr__ finds the names
    from xpsnet.calibration import calibrate
    from xpsnet.evaluation import evaluate
    from xpsnet.fitting.doublets import doublet
    from xpsnet.fitting.exchange import from_lmfit, to_lmfit
    from xpsnet.fitting.follow import follow
    from xpsnet.fitting.refine import refine
    from xpsnet.fitting.static_background import static_background
    from xpsnet.fitting.uncertainty import confidence
    from xpsnet.io import read
    from xpsnet.io._errors import ReadError
    from xpsnet.io.fits import read_fit
    from xpsnet.io.write import write
    from xpsnet.models import list_models, load_model, predict
    from xpsnet.peaks import curves
    from xpsnet.pipeline import fit
    from xpsnet.plotting import plot
    from xpsnet.samples import sample
    from xpsnet.satellites import remove_satellites
    from xpsnet.simulation import simulate
    from xpsnet.spectrum import crop, to_binding, to_counts_per_second, to_kinetic
    from xpsnet.training import train

    __version__: str

_MODULES = {
    "ReadError": "xpsnet.io._errors",
    "calibrate": "xpsnet.calibration",
    "confidence": "xpsnet.fitting.uncertainty",
    "crop": "xpsnet.spectrum",
    "curves": "xpsnet.peaks",
    "doublet": "xpsnet.fitting",
    "evaluate": "xpsnet.evaluation",
    "fit": "xpsnet.pipeline",
    "follow": "xpsnet.fitting.follow",
    "from_lmfit": "xpsnet.fitting",
    "list_models": "xpsnet.models",
    "load_model": "xpsnet.models",
    "plot": "xpsnet.plotting",
    "predict": "xpsnet.models",
    "read": "xpsnet.io",
    "read_fit": "xpsnet.io.fits",
    "refine": "xpsnet.fitting",
    "remove_satellites": "xpsnet.satellites",
    "sample": "xpsnet.samples",
    "simulate": "xpsnet.simulation",
    "static_background": "xpsnet.fitting",
    "to_binding": "xpsnet.spectrum",
    "to_counts_per_second": "xpsnet.spectrum",
    "to_kinetic": "xpsnet.spectrum",
    "to_lmfit": "xpsnet.fitting",
    "train": "xpsnet.training",
    "write": "xpsnet.io",
}

__all__ = [
    "ReadError",
    "__version__",
    "calibrate",
    "confidence",
    "crop",
    "curves",
    "doublet",
    "evaluate",
    "fit",
    "follow",
    "from_lmfit",
    "list_models",
    "load_model",
    "plot",
    "predict",
    "read",
    "read_fit",
    "refine",
    "remove_satellites",
    "sample",
    "simulate",
    "static_background",
    "to_binding",
    "to_counts_per_second",
    "to_kinetic",
    "to_lmfit",
    "train",
    "write",
]


def __getattr__(name: str) -> Any:
    """Load a public name on first use, so that the import stays light."""
    if name == "__version__":
        value: Any = _installed_version()
    elif name in _MODULES:
        value = getattr(importlib.import_module(_MODULES[name]), name)
    else:
        raise AttributeError(f"module 'xpsnet' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Public names, loaded or not."""
    return sorted({*globals(), *__all__})


def _installed_version() -> str:
    """Version of the installed distribution; "0+unknown" in a bare source tree."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("napari-xpsnet")
    except PackageNotFoundError:
        return "0+unknown"


importlib.import_module("xpsnet.accessor")  # registers DataArray.xps and Dataset.xps
