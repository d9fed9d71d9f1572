"""Files: reading and writing spectra, fits and peaks."""
