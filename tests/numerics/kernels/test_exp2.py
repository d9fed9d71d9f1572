"""The power of two that vectorizes, against numpy's."""

import importlib.util

import numba
import numpy as np
import pytest

from xpsnet.numerics.kernels import compile as ways
from xpsnet.numerics.kernels import exp2


@pytest.fixture(scope="module")
def fill():
    """The function in a loop, compiled by numba."""
    spec = importlib.util.spec_from_file_location("exp2_by_numba", exp2.__file__)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ways, "way", ways.Way.NUMBA)
        spec.loader.exec_module(module)
        power = module.exp2

        @ways.contracted
        def fill(x, out):
            for i in range(x.size):
                out[i] = power(x[i])

    return fill


@pytest.fixture
def powers(fill):
    def powers(x):
        out = np.empty_like(x)
        fill(x, out)
        return out

    return powers


@pytest.mark.parametrize(
    "x",
    [
        pytest.param(np.linspace(-1020.0, 1020.0, 100_001), id="everywhere"),
        pytest.param(-np.logspace(-15, 3, 100_001), id="from nothing to far"),
        pytest.param(np.arange(-20.0, 20.0, 0.5), id="half numbers"),
    ],
)
def test_is_two_to_the_power_of_x(x, powers):
    np.testing.assert_allclose(powers(x), np.exp2(x), rtol=1e-14)
    few = x[:: max(x.size // 100, 1)]
    plain = [exp2.exp2(float(value)) for value in few]
    np.testing.assert_allclose(plain, np.exp2(few), rtol=1e-14)


def test_ends(powers):
    found = powers(np.array([0.0, -0.0, -1e5, -np.inf, np.nan]))
    assert found[0] == found[1] == 1.0
    assert 0.0 <= found[2] <= 1e-300
    assert 0.0 <= found[3] <= 1e-300
    assert np.isnan(found[4])


def test_loops_of_it_are_vector_instructions(fill):
    # Machine code from disk, which an earlier run left, cannot be looked at.
    options = {name: fill.targetoptions[name] for name in ("nogil", "error_model", "fastmath")}
    fresh = numba.njit(**options)(fill.py_func)
    fresh(np.zeros(3), np.zeros(3))
    (code,) = fresh.inspect_asm().values()
    # Packed multiplications, on whatever processor: "mulpd" (x86) or "fmul v" (ARM).
    assert "mulpd" in code or "fmadd213pd" in code or "fmul\tv" in code or "fmla\tv" in code
