"""Networks: architecture, weights, runtimes and prediction."""

from xpsnet.models.engines import close_engines
from xpsnet.models.prediction import predict, predict_starts
from xpsnet.models.weights import Model, list_models, load_model

__all__ = ["Model", "close_engines", "list_models", "load_model", "predict", "predict_starts"]
