"""What is known of the lines, as inputs of the network."""

from typing import Any

import numpy as np
import pytest

from xpsnet.numerics.known_lines import KNOWN, Known, check_known, lines_of


def test_nothing_known_is_zero() -> None:
    assert not Known()
    np.testing.assert_array_equal(Known().inputs(12.0), np.zeros(KNOWN))


def test_each_statement_has_its_inputs() -> None:
    np.testing.assert_array_equal(Known("symmetric").inputs(10.0), np.eye(KNOWN)[0])
    np.testing.assert_array_equal(Known("asymmetric").inputs(10.0), np.eye(KNOWN)[1])
    stated = Known(fwhm=(0.5, 1.0), asymmetry=(0.1, 0.3)).inputs(10.0)
    expected = [0, 0, 1, np.log(0.05) + 2.5, np.log(0.1) + 2.5, 1, 0.1, 0.3]
    np.testing.assert_allclose(stated, expected, rtol=1e-6)


def test_limits_beyond_the_window_are_those_of_the_training() -> None:
    stated = Known(fwhm=(0.0, np.inf)).inputs(10.0)
    np.testing.assert_allclose(stated[3:5], np.log([0.005, 0.5]) + 2.5, rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "lines"),
    [
        ("pseudo_voigt", "symmetric"),
        ("asymmetric_pseudo_voigt", "asymmetric"),
        (("voigt", "gaussian"), "symmetric"),
        (("voigt", "doniach_sunjic"), "any"),
    ],
)
def test_shapes_say_what_lines_are(shape: Any, lines: str) -> None:
    assert lines_of(shape) == lines


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lines": "crooked"}, "expected lines of .*'asymmetric'.*, got 'crooked'"),
        ({"fwhm": (2.0, 1.0)}, r"expected fwhm as two ascending FWHM in eV, got \(2.0, 1.0\)"),
        ({"fwhm": (0.0, 0.0)}, "expected fwhm"),
        ({"fwhm": 1.0}, "expected fwhm"),
        ({"asymmetry": (0.0, np.nan)}, "expected asymmetry as two ascending asymmetries"),
    ],
)
def test_what_cannot_be_known_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_known(Known(**given))
