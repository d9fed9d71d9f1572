"""Packages of the extras ``[train]`` and ``[gpu]``: one sentence says where they are missing."""

import os
import sys
from importlib.util import find_spec


def has_keras() -> bool:
    """Whether Keras and its backend are installed; nothing is imported.

    The backend is TensorFlow, or what the variable ``KERAS_BACKEND`` names.
    """
    # Keras that is loaded has found its backend, also one that its own file of settings names.
    if sys.modules.get("keras") is not None:
        return True
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    return find_spec("keras") is not None and find_spec(backend) is not None


def require_keras(what: str, extra: str) -> None:
    """Refuse what needs Keras where it is not installed.

    Parameters
    ----------
    what : str
        What needs it, as the beginning of the sentence.
    extra : str
        The extra of this package that installs it.

    Raises
    ------
    ImportError
        If Keras or its backend is missing.
    """
    if not has_keras():
        raise ImportError(f"{what} needs TensorFlow: pip install 'napari-xpsnet[{extra}]'")


def require_onnx(what: str) -> None:
    """Refuse what writes ONNX files where onnx is not installed; see `require_keras`.

    Raises
    ------
    ImportError
        If onnx is missing.
    """
    if find_spec("onnx") is None:
        raise ImportError(f"{what} needs onnx: pip install 'napari-xpsnet[train]'")
