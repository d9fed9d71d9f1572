"""SPECS: Prodigy and SpecsLab 2."""
