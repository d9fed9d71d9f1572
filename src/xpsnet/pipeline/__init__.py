"""From spectra to the final peaks: network, refinement and choice of the model."""
