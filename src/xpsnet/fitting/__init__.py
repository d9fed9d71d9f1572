"""Least squares: peaks refined from starts, with standard errors."""

from xpsnet.fitting.doublets import doublet
from xpsnet.fitting.exchange import from_lmfit, to_lmfit
from xpsnet.fitting.refine import refine
from xpsnet.fitting.static_background import static_background

__all__ = ["doublet", "from_lmfit", "refine", "static_background", "to_lmfit"]
