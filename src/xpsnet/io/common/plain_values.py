"""Values of attributes as plain Python, which JSON holds."""

from typing import Any

import numpy as np


def plain_object(value: Any) -> Any:
    """Numbers, texts, lists and dicts of Python out of those of numpy; anything odd as text."""
    if isinstance(value, np.datetime64 | np.timedelta64) or value is np.ma.masked:
        return str(value)
    if isinstance(value, np.floating):
        return float(value)
    if isinstance(value, np.ndarray):
        return [plain_object(one) for one in value] if value.ndim else plain_object(value[()])
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="backslashreplace")
    if isinstance(value, list | tuple):
        return [plain_object(one) for one in value]
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {name: plain_object(one) for name, one in value.items()}
    return value if value is None or isinstance(value, bool | int | float) else str(value)
