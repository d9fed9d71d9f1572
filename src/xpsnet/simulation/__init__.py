"""Simulated spectra with their truth, to train and to test the networks."""
