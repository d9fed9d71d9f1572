"""Igor Pro."""
