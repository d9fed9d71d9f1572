"""Status codes and flags: several may apply, and the most severe one is the status."""

import numpy as np
import pytest

from xpsnet.data.peaks import make_peaks
from xpsnet.data.status import (
    SEVERITY,
    STATUS_SENTENCES,
    Status,
    applies,
    flags_of,
    has_flag,
    mask_of,
    most_severe,
)


def test_every_code_has_a_severity_and_a_sentence() -> None:
    assert sorted(SEVERITY) == sorted(Status)
    assert set(STATUS_SENTENCES) == set(Status)
    assert all("\n" not in text and text.endswith(".") for text in STATUS_SENTENCES.values())


def test_codes_that_files_hold_keep_their_meaning() -> None:
    names = "OK NO_PEAKS NO_SIGNAL NOT_FINITE TOO_FEW_POINTS NOT_CONVERGED AT_BOUND"
    names += " ILL_DETERMINED NOT_DONE FAILED OUTSIDE_MODEL FEW_COUNTS"
    names += " MISFIT STEP SURVEY CUT_OFF NOT_RAW SPIKES UNPAIRED"
    assert [s.name for s in Status] == names.split()
    assert [s.value for s in Status] == list(range(19))


def test_flags_of_one_code_give_it_back() -> None:
    codes = np.array([s.value for s in Status])
    np.testing.assert_array_equal(most_severe(flags_of(codes)), codes)
    assert flags_of(Status.OK) == 0


@pytest.mark.parametrize(
    "several",
    [
        pytest.param((Status.SURVEY, Status.STEP, Status.MISFIT), id="survey"),
        pytest.param((Status.STEP, Status.CUT_OFF), id="step"),
        pytest.param((Status.CUT_OFF, Status.MISFIT), id="cut off"),
        pytest.param((Status.MISFIT, Status.ILL_DETERMINED), id="misfit"),
        pytest.param((Status.ILL_DETERMINED, Status.AT_BOUND), id="ill determined"),
        pytest.param((Status.AT_BOUND, Status.SPIKES), id="at bound"),
        pytest.param((Status.SPIKES, Status.NOT_RAW), id="spikes"),
        pytest.param((Status.NOT_RAW, Status.OUTSIDE_MODEL, Status.FEW_COUNTS), id="not raw"),
        pytest.param((Status.NOT_CONVERGED, Status.SURVEY), id="failures"),
    ],
)
def test_the_most_severe_counts(several: tuple[Status, ...]) -> None:
    assert most_severe(mask_of(several)) == several[0]
    assert most_severe(mask_of(reversed(several))) == several[0]


def test_flags_are_told_apart() -> None:
    flags = np.array([0, Status.SPIKES.flag, Status.SPIKES.flag | Status.MISFIT.flag])
    assert has_flag(flags, Status.MISFIT).tolist() == [False, False, True]
    assert has_flag(flags, Status.MISFIT, Status.SPIKES).tolist() == [False, True, True]


def test_peaks_carry_their_flags() -> None:
    flags = Status.SPIKES.flag | Status.CUT_OFF.flag
    parameters = {"center": [285.0], "fwhm": [1.0], "height": [10.0]}
    peaks = make_peaks(
        np.linspace(280, 290, 50),
        (),
        scale="binding",
        line_shape="gaussian",
        background="none",
        parameters=parameters,
        background_parameters={},
        status=most_severe(flags),
        status_flags=flags,
    )
    assert peaks.status_flags.dtype == np.int32
    assert int(peaks.status) == Status.CUT_OFF
    assert applies(peaks, Status.SPIKES)
    assert not applies(peaks, Status.MISFIT)
    assert not applies(peaks.drop_vars("status_flags"), Status.SPIKES)
    attrs = peaks.status_flags.attrs
    words = dict(zip(attrs["flag_masks"].tolist(), attrs["flag_meanings"].split(), strict=True))
    assert words[1 << 17] == "spikes"
    assert 0 not in words
