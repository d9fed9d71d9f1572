"""What is fitted: parameters, constraints, doublets and the curve of a spectrum."""
