"""Networks: architecture, weights, runtimes and prediction."""
