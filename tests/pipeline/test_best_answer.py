"""The most probable answer of several candidates: those with the same states speak for one."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest

from xpsnet.pipeline.states import SAME_CENTER, TEMPERATURE, _best


@dataclass
class Results:
    """What is looked at of fits of one model to some spectra; every line is 1 eV wide."""

    centers: list[list[float]]
    chi_square: float

    def __len__(self) -> int:
        return len(self.centers)

    @property
    def peaks(self) -> dict[str, npt.NDArray[np.float64]]:
        center = np.array(self.centers)
        return {"center": center, "fwhm": np.ones_like(center)}

    @property
    def chisqr(self) -> npt.NDArray[np.float64]:
        return np.full(len(self), self.chi_square)


def candidate(*centers: list[float], chi_square: float = 100.0):
    main = list(range(len(centers[0])))
    results = Results(list(centers), chi_square)
    return SimpleNamespace(model=SimpleNamespace(main=main), results=results)


def best(candidates: list[tuple[list[float], float]]) -> int:
    evidence = np.array([[one] for _, one in candidates])
    return int(_best(evidence, [candidate(centers) for centers, _ in candidates])[0])


def test_candidates_with_the_same_states_speak_for_one_answer():
    alone, often = ([284.8, 286.5], 0.0), ([284.8], -0.5 * TEMPERATURE)
    assert best([alone, often]) == 0
    assert best([alone, often, often]) == 1
    # Of the most probable answer, the most probable candidate.
    assert best([alone, often, ([284.81], -0.3 * TEMPERATURE)]) == 2


def test_the_order_of_the_states_does_not_matter():
    often = -0.5 * TEMPERATURE
    found = best([([284.8], 0.0), ([284.8, 286.5], often), ([286.5, 284.8], often + 0.1)])
    assert found == 2


@pytest.mark.parametrize(("part", "number"), [(0.9, 1), (1.1, 0)])
def test_centers_are_the_same_within_a_part_of_the_width(part, number):
    moved = 284.0 + part * SAME_CENTER
    often = -0.5 * TEMPERATURE
    assert best([([289.0], 0.0), ([284.0], often), ([moved], often - 0.1)]) == number


def test_a_candidate_that_is_out_joins_no_answers():
    low, high = ([284.0], -0.5), ([284.26], -0.6)
    assert best([([287.0], 0.0), low, high, ([284.13], -np.inf)]) == 0
    assert best([([287.0], 0.0), low, high, ([284.13], -40 * TEMPERATURE)]) == 1


def test_without_a_proper_candidate_the_least_chi_square_is_the_answer():
    candidates = [
        candidate([284.8], chi_square=50.0),
        candidate([285.0], chi_square=40.0),
        candidate([], chi_square=np.inf),
    ]
    assert _best(np.full((3, 1), -np.inf), candidates)[0] == 1


def test_every_spectrum_has_its_own_answer():
    two_spectra = [candidate([284.8], [284.8]), candidate([284.8, 286.0], [284.8, 286.5])]
    evidence = np.array([[0.0, -9.0], [-9.0, 0.0]])
    np.testing.assert_array_equal(_best(evidence, two_spectra), [0, 1])
