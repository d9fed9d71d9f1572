"""The decision about the number of peaks: what is out, what wins, and what is pruned."""

from collections.abc import Sequence
from dataclasses import replace
from math import log, log1p
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from xpsnet.data.status import Status, flags_of
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.select.evidence import Fits, log_evidence
from xpsnet.fitting.select.n_peaks import (
    Candidate,
    Choice,
    Decision,
    choose_n_peaks,
    likely,
    spurious_peaks,
)
from xpsnet.fitting.solve.fit_results import FitResults

Floats = npt.NDArray[np.float64]
ENERGY = np.linspace(280.0, 290.0, 101)
OPTIONS = FitOptions("gaussian", "constant", shared=())
SLOTS = 3
DECISION = Decision(OPTIONS, ENERGY, n_counts=SLOTS + 1)
# Peaks of a fit: (center, fwhm, height). Own chi-squares are far above the limit of 20.
REAL = ((283.0, 1.2, 100.0), (285.0, 1.2, 60.0), (287.0, 1.2, 80.0))


def fits(
    peaks: Sequence[tuple[float, float, float]],
    *,
    chisqr: float = 100.0,
    own: Sequence[float] | None = None,
    status: Status = Status.OK,
    correlation: float = 0.0,
    error: float = 0.05,
) -> FitResults:
    """A fit of one spectrum with uncorrelated parameters, each with the same relative error."""
    results = FitResults.not_done(OPTIONS.plain_layout(SLOTS), 1)
    layout = results.layout
    values, chi = results.values.copy(), results.line_chi_square.copy()
    values[:, layout.background_index] = 50.0
    for place, (center, fwhm, height) in enumerate(peaks):
        for name, value in (("center", center), ("fwhm", fwhm), ("height", height)):
            values[0, layout.column(name)[place]] = value
        chi[0, place] = 400.0 if own is None else own[place]
    size = np.abs(values[0])
    size[layout.column("center")] = 1.0
    covariance = np.diag((error * size) ** 2)
    covariance[~np.isfinite(covariance)] = np.nan
    return replace(
        results,
        flags=flags_of([int(status)]),
        values=values,
        covariance=covariance[None],
        chisqr=np.array([chisqr]),
        redchi=np.array([chisqr / 100.0]),
        correlation=np.array([correlation]),
        line_chi_square=chi,
    )


def tried(
    results: FitResults, count: int, probability: float, row: int = 0, start: int = 0
) -> Candidate:
    return Candidate(
        np.array([row]), results, count, np.log([probability]), np.array([start], dtype=np.int8)
    )


def no_refit(rows: Any, starts: Any) -> FitResults:
    raise AssertionError("expected a decision without another fit")


def decided(
    some: Sequence[Candidate],
    *,
    decision: Decision = DECISION,
    refit: Any = no_refit,
    log_prior: Floats | None = None,
) -> Choice:
    return choose_n_peaks(decision, some, 1, refit, log_prior)


def n_found(found: Choice) -> int:
    return int(found.results.exists[0].sum())


def candidates() -> list[Candidate]:
    """Fits with none to three peaks; two describe the spectrum, and the network agrees."""
    return [
        tried(fits((), chisqr=9e4), 0, 0.01, start=1),
        tried(fits(REAL[:1], chisqr=4000.0), 1, 0.1, start=2),
        tried(fits(REAL[:2], chisqr=100.0), 2, 0.6, start=3),
        tried(fits(REAL, chisqr=97.0), 3, 0.29, start=4),
    ]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)], ids=str)
def test_the_order_of_the_candidates_does_not_matter(order: tuple[int, ...]) -> None:
    first = decided(candidates())
    found = decided([candidates()[i] for i in order])
    assert n_found(found) == 2
    assert found.start.tolist() == [3]
    np.testing.assert_array_equal(found.score, first.score)
    np.testing.assert_array_equal(found.results.values, first.results.values)


def test_the_score_is_the_one_of_the_module() -> None:
    """0.85 ln P - 0.16 ln(1 + ln E_best - ln E) + 0.18 ln(X / 20), the last from -3 to 1.5."""
    some = candidates()[1:]
    found = decided(some)
    scale = 0.97  # the least reduced chi-square
    evidence = []
    for one in some:
        free = np.isfinite(np.diagonal(one.results.covariance, axis1=1, axis2=2))
        fit = Fits(one.results.layout, one.results.values, one.results.covariance, free)
        (value,) = log_evidence(fit, ENERGY, one.results.chisqr, np.array([scale]))
        evidence.append(float(value))
    # Errors of 5 %: a peak alone makes up (1 / 0.05)^2 = 400.
    own = 0.18 * min(log(400.0 / scale / 20.0), 1.5)
    expected = [
        0.85 * log(p) - 0.16 * log1p(max(evidence) - e) + own
        for p, e in zip((0.1, 0.6, 0.29), evidence, strict=True)
    ]
    np.testing.assert_allclose(found.score[0, 1:], expected, rtol=1e-3)
    assert found.score[0, 0] == -np.inf  # not tried


def test_correlated_residuals_make_the_evidence_weaker() -> None:
    """At r = 0.5 a point counts as a third of one, and a model far behind is less far behind."""
    behind = []
    for correlation in (0.0, 0.5):
        some = [
            tried(fits(REAL[:n], chisqr=c, correlation=correlation), n, 0.5)
            for n, c in ((1, 300.0), (2, 100.0))
        ]
        score = decided(some).score[0]
        behind.append(score[2] - score[1])
    assert 0.0 < behind[1] < behind[0] - 0.1


@pytest.mark.parametrize(
    "out",
    [
        pytest.param({"status": Status.NOT_CONVERGED}, id="not converged"),
        pytest.param({"status": Status.ILL_DETERMINED}, id="ill determined"),
        pytest.param({"status": Status.FAILED}, id="failed"),
        pytest.param({"chisqr": np.nan}, id="no chi-square"),
        pytest.param({"own": (400.0, 19.9)}, id="weak peak"),
    ],
)
def test_a_fit_that_is_out_never_wins(out: dict[str, Any]) -> None:
    good = tried(fits(REAL[:1], chisqr=4000.0), 1, 0.01)
    bad = tried(fits(REAL[:2], **{"chisqr": 100.0, **out}), 2, 0.99)
    for some in ([good, bad], [bad, good]):
        found = decided(some)
        assert n_found(found) == 1
        assert found.score[0, 2] == -np.inf


@pytest.mark.parametrize("status", [Status.AT_BOUND, Status.OUTSIDE_MODEL, Status.NO_PEAKS])
def test_a_peak_at_a_limit_may_win(status: Status) -> None:
    some = [tried(fits(REAL[:1], chisqr=4000.0), 1, 0.1)]
    some.append(tried(fits(REAL[:2], status=status), 2, 0.9))
    assert n_found(decided(some)) == 2


def test_the_better_of_two_fits_with_the_same_number_of_peaks_counts() -> None:
    worse = tried(fits(REAL[:2], chisqr=110.0), 2, 0.9, start=1)
    better = tried(fits(REAL[:2], chisqr=105.0), 2, 0.9, start=2)
    for some in ([worse, better], [better, worse]):
        assert decided(some).start.tolist() == [2]


@pytest.mark.parametrize(
    ("prior", "winner"),
    [
        pytest.param(None, 2, id="none"),
        pytest.param([0.0, 0.0, 0.0, 3.0], 3, id="three among the neighbors"),
        pytest.param([0.0, 6.0, 0.0, 0.0], 1, id="one among the neighbors"),
        pytest.param([9e9, 0.0, -np.inf, -np.inf], 0, id="none among the neighbors"),
    ],
)
def test_the_neighbors_speak_through_the_prior(prior: list[float] | None, winner: int) -> None:
    given = None if prior is None else np.array([prior])
    found = decided(candidates(), log_prior=given)
    assert n_found(found) == winner
    # The scores that are reported are those without it.
    np.testing.assert_array_equal(found.score, decided(candidates()).score)


@pytest.mark.parametrize(
    ("peaks", "own", "false"),
    [
        pytest.param(REAL, None, [False, False, False], id="all real"),
        pytest.param(REAL, (400.0, 19.9, 20.1), [False, True, False], id="weak"),
        pytest.param(REAL[:1], None, [False, False, False], id="absent ones"),
        pytest.param(
            ((284.0, 1.2, 100.0), (285.0, 0.14, 90.0)), None, [False, True, False], id="narrow"
        ),
        pytest.param(
            ((284.0, 1.2, 100.0), (284.0 + 0.29, 1.0, 60.0)), None, [False, True, False], id="near"
        ),
        pytest.param(
            ((284.0, 1.2, 100.0), (284.0 + 0.31, 1.0, 60.0)), None, [False] * 3, id="far enough"
        ),
        pytest.param(
            ((284.0, 1.2, 60.0), (284.2, 1.0, 100.0), (284.4, 1.0, 200.0)),
            None, [True, True, False], id="only the largest of a group",
        ),
    ],
)  # fmt: skip
def test_spurious_peaks(
    peaks: Sequence[tuple[float, float, float]], own: Sequence[float] | None, false: list[bool]
) -> None:
    assert spurious_peaks(ENERGY, fits(peaks, own=own))[0].tolist() == false


def test_without_a_sound_fit_the_weakest_spurious_peaks_go_one_by_one() -> None:
    asked = []

    def refit(rows: npt.NDArray[np.intp], starts: dict[str, Floats]) -> FitResults:
        left = np.flatnonzero(np.isfinite(starts["center"][0]))
        asked.append((rows.tolist(), left.tolist()))
        own = {3: (5.0, 9.0, 400.0), 2: (9.0, 400.0), 1: (400.0,)}[left.size]
        results = fits([REAL[i] for i in left], own=own)
        return results

    weak = tried(fits(REAL, own=(5.0, 9.0, 400.0)), 3, 0.7)
    failed = tried(fits(REAL[:2], status=Status.NOT_CONVERGED), 2, 0.3)
    found = decided([failed, weak], refit=refit)
    # The fake puts the peaks that are left at the first places.
    assert asked == [([0], [1, 2]), ([0], [1])]
    assert n_found(found) == 1
    assert not np.isfinite(found.score).any()


def test_with_the_last_peak_goes_the_status() -> None:
    def refit(rows: npt.NDArray[np.intp], starts: dict[str, Floats]) -> FitResults:
        assert np.isnan(starts["height"]).all()
        return fits((), status=Status.NO_PEAKS)

    found = decided([tried(fits(REAL[:1], own=(3.0,)), 1, 1.0)], refit=refit)
    assert found.results.status.tolist() == [Status.NO_PEAKS]
    assert n_found(found) == 0


def test_with_a_given_number_nothing_is_pruned() -> None:
    weak = fits(REAL[:2], own=(3.0, 3.0), status=Status.NOT_CONVERGED)
    found = decided([tried(weak, 2, 1.0)], decision=replace(DECISION, given=True))
    assert n_found(found) == 2
    np.testing.assert_array_equal(found.results.values, weak.values)


def test_every_spectrum_decides_for_itself() -> None:
    both = [
        replace(tried(fits(REAL[:1], chisqr=4000.0), 1, 0.2), rows=np.array([1])),
        replace(tried(fits(REAL[:2]), 2, 0.7), rows=np.array([1])),
        tried(fits(REAL[:1]), 1, 0.9),
        tried(fits(REAL[:2], chisqr=99.0), 2, 0.1),
    ]
    found = choose_n_peaks(DECISION, both, 2, no_refit)
    assert found.results.exists.sum(axis=1).tolist() == [1, 2]
    np.testing.assert_array_equal(found.score[0], decided(both[2:]).score[0])


@pytest.mark.parametrize(
    ("probability", "least", "most", "expected"),
    [
        pytest.param([0.1, 0.6, 0.3], 0.05, 3, [True, True, True], id="all"),
        pytest.param([0.04, 0.66, 0.3], 0.05, 3, [False, True, True], id="unlikely"),
        pytest.param([0.1, 0.6, 0.3], 0.05, 2, [False, True, True], id="at most two"),
        pytest.param([0.2, 0.4, 0.4], 0.9, 3, [False, True, False], id="the first of equals"),
        pytest.param([0.0, 0.0, 0.0], 0.05, 3, [True, False, False], id="none is likely"),
        pytest.param([np.nan] * 3, 0.05, 3, [True, False, False], id="unknown"),
        pytest.param([0.5, np.nan, 0.5], 0.0, 2, [True, False, True], id="one unknown"),
    ],
)
def test_which_numbers_are_worth_a_fit(
    probability: list[float], least: float, most: int, expected: list[bool]
) -> None:
    assert likely(np.array([probability]), least, most)[0].tolist() == expected
