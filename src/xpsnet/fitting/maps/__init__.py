"""Spectra that belong together: neighbors in a map, and states followed over it."""
