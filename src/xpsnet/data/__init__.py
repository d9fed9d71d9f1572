"""What goes through the library: spectra (DataArray) and peaks (Dataset)."""
