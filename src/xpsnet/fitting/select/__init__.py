"""Which model: number of peaks, background, doublets."""
