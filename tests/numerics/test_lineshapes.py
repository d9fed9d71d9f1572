"""Every registered line shape: definitions, derivatives, areas, batches and edge values."""

import numpy as np
import pytest

from xpsnet.numerics.lineshapes import LINE_SHAPES, LineShape

SHAPES = [pytest.param(shape, id=name) for name, shape in LINE_SHAPES.items()]


def parameters_of(shape: LineShape) -> list[float]:
    return [284.6, 1.3, 250.0, *shape.default.values()]


@pytest.mark.parametrize("shape", SHAPES)
def test_derivatives_agree_with_central_differences(shape: LineShape) -> None:
    energy = np.linspace(278.0, 295.0, 341)
    parameters = parameters_of(shape)
    value, derivatives = shape.value_and_derivatives(energy, *parameters)
    np.testing.assert_array_equal(value, shape.value(energy, *parameters))
    for number, parameter in enumerate(parameters):
        step = 1e-5 * abs(parameter) if number else 1e-5
        above, below = list(parameters), list(parameters)
        above[number] += step
        below[number] -= step
        expected = (shape.value(energy, *above) - shape.value(energy, *below)) / (2 * step)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(derivatives[:, number], expected, atol=1e-8 * scale)
