"""VAMAS (ISO 14976), and CasaXPS fits in its comments."""
