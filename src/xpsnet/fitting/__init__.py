"""Least squares: peaks refined from starts, with standard errors."""
