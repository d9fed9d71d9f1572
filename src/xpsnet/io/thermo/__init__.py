"""Thermo Avantage."""
