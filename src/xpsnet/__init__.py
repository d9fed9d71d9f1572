"""Automatic peak fitting of photoemission (XPS) spectra, line scans and maps."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for editors and type checkers; at run time __getattr__ finds the names
    from xpsnet.chemistry.calibrate import calibrate
    from xpsnet.chemistry.identify import identify
    from xpsnet.chemistry.quantify import quantify
    from xpsnet.chemistry.report_document import report
    from xpsnet.data.peaks import curves
    from xpsnet.data.profile import profile
    from xpsnet.data.satellites import remove_satellites
    from xpsnet.data.spectrum import crop, to_binding, to_counts_per_second, to_kinetic
    from xpsnet.fitting.confidence import confidence
    from xpsnet.fitting.edit_peaks import (
        add_peak,
        change_peak,
        constrain_peak,
        make_doublet,
        remove_peak,
    )
    from xpsnet.fitting.lmfit_exchange import from_lmfit, to_lmfit
    from xpsnet.fitting.maps.follow import follow
    from xpsnet.fitting.model.doublets import doublet
    from xpsnet.fitting.refine import refine
    from xpsnet.fitting.residual import residual
    from xpsnet.fitting.static_background import static_background
    from xpsnet.io.common.errors import ReadError
    from xpsnet.io.read import read, read_one
    from xpsnet.io.read_fit import read_fit
    from xpsnet.io.session_data import Session, SessionRegion
    from xpsnet.io.stores.session import read_session, write_session
    from xpsnet.io.write import write
    from xpsnet.models.prediction import predict
    from xpsnet.models.weights import list_models, load_model
    from xpsnet.pipeline.fit import fit
    from xpsnet.pipeline.session_script import session_script
    from xpsnet.pipeline.store import fit_store
    from xpsnet.plotting import plot
    from xpsnet.samples import sample
    from xpsnet.simulation.recipes import simulate
    from xpsnet.training.evaluation import evaluate
    from xpsnet.training.train import train
    from xpsnet.xpsnet_warning import XpsnetWarning

    __version__: str

_MODULES = {
    "ReadError": "xpsnet.io.common.errors",
    "Session": "xpsnet.io.session_data",
    "SessionRegion": "xpsnet.io.session_data",
    "XpsnetWarning": "xpsnet.xpsnet_warning",
    "add_peak": "xpsnet.fitting.edit_peaks",
    "calibrate": "xpsnet.chemistry.calibrate",
    "change_peak": "xpsnet.fitting.edit_peaks",
    "confidence": "xpsnet.fitting.confidence",
    "constrain_peak": "xpsnet.fitting.edit_peaks",
    "crop": "xpsnet.data.spectrum",
    "curves": "xpsnet.data.peaks",
    "doublet": "xpsnet.fitting.model.doublets",
    "evaluate": "xpsnet.training.evaluation",
    "fit": "xpsnet.pipeline.fit",
    "fit_store": "xpsnet.pipeline.store",
    "follow": "xpsnet.fitting.maps.follow",
    "from_lmfit": "xpsnet.fitting.lmfit_exchange",
    "identify": "xpsnet.chemistry.identify",
    "list_models": "xpsnet.models.weights",
    "load_model": "xpsnet.models.weights",
    "make_doublet": "xpsnet.fitting.edit_peaks",
    "plot": "xpsnet.plotting",
    "predict": "xpsnet.models.prediction",
    "profile": "xpsnet.data.profile",
    "quantify": "xpsnet.chemistry.quantify",
    "read": "xpsnet.io.read",
    "read_fit": "xpsnet.io.read_fit",
    "read_one": "xpsnet.io.read",
    "read_session": "xpsnet.io.stores.session",
    "refine": "xpsnet.fitting.refine",
    "remove_peak": "xpsnet.fitting.edit_peaks",
    "remove_satellites": "xpsnet.data.satellites",
    "report": "xpsnet.chemistry.report_document",
    "residual": "xpsnet.fitting.residual",
    "sample": "xpsnet.samples",
    "session_script": "xpsnet.pipeline.session_script",
    "simulate": "xpsnet.simulation.recipes",
    "static_background": "xpsnet.fitting.static_background",
    "to_binding": "xpsnet.data.spectrum",
    "to_counts_per_second": "xpsnet.data.spectrum",
    "to_kinetic": "xpsnet.data.spectrum",
    "to_lmfit": "xpsnet.fitting.lmfit_exchange",
    "train": "xpsnet.training.train",
    "write": "xpsnet.io.write",
    "write_session": "xpsnet.io.stores.session",
}

__all__ = [
    "ReadError",
    "Session",
    "SessionRegion",
    "XpsnetWarning",
    "add_peak",
    "calibrate",
    "change_peak",
    "confidence",
    "constrain_peak",
    "crop",
    "curves",
    "doublet",
    "evaluate",
    "fit",
    "fit_store",
    "follow",
    "from_lmfit",
    "identify",
    "list_models",
    "load_model",
    "make_doublet",
    "plot",
    "predict",
    "profile",
    "quantify",
    "read",
    "read_fit",
    "read_one",
    "read_session",
    "refine",
    "remove_peak",
    "remove_satellites",
    "report",
    "residual",
    "sample",
    "session_script",
    "simulate",
    "static_background",
    "to_binding",
    "to_counts_per_second",
    "to_kinetic",
    "to_lmfit",
    "train",
    "write",
    "write_session",
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
    return sorted({*globals(), *__all__, "__version__"})


def _installed_version() -> str:
    """Version of the installed distribution; "0+unknown" in a bare source tree."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("napari-xpsnet")
    except PackageNotFoundError:
        return "0+unknown"


importlib.import_module("xpsnet.accessor")  # registers DataArray.xps and Dataset.xps
