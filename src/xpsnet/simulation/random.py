"""Random numbers in one array namespace."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np


class Draw(Protocol):
    """Random numbers in one array namespace."""

    def uniform(self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Any:
        """Uniform numbers from `low` to `high`."""

    def normal(self, shape: tuple[int, ...]) -> Any:
        """Standard normal numbers."""


class NumpyDraw:
    """Random numbers from a seeded numpy generator."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def uniform(self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Any:
        """Uniform numbers from `low` to `high`."""
        return self._rng.uniform(low, high, shape).astype(np.float32)

    def normal(self, shape: tuple[int, ...]) -> Any:
        """Standard normal numbers."""
        return self._rng.standard_normal(shape, dtype=np.float32)


def log_uniform(xp: Any, draw: Draw, shape: tuple[int, ...], low: float, high: float) -> Any:
    """Numbers from `low` to `high`, both > 0, uniform on a logarithmic scale."""
    return xp.exp(draw.uniform(shape, float(np.log(low)), float(np.log(high))))
