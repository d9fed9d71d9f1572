"""Least squares: peaks refined from starts, with standard errors."""

from xpsnet.fitting.refine import refine, to_lmfit

__all__ = ["refine", "to_lmfit"]
