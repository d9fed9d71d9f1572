"""Drawings of characters: the dots lie where the curves are."""

import numpy as np
import pytest
import xarray as xr

from xpsnet.cli_figure import Canvas, draw_fit, tick_values
from xpsnet.data.peaks import curves, make_peaks
from xpsnet.data.spectrum import make_spectrum, to_kinetic
from xpsnet.plotting import PALETTE
from xpsnet.samples import sample, sample_truth

WIDTH, HEIGHT = 88, 18


def _dots(lines: list[str]) -> np.ndarray:
    """Dots of braille characters, shape (4 x rows, 2 x columns)."""
    bits = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
    codes = np.array([[ord(one) - 0x2800 for one in line] for line in lines])
    dots = (codes[:, None, :, None] & bits[None, :, None, :]) > 0
    return dots.reshape(4 * codes.shape[0], 2 * codes.shape[1])


def _drawn(spectra: xr.DataArray, peaks: xr.Dataset, **size: int) -> tuple[list[str], np.ndarray]:
    """Lines of a drawing, and its dots without the axes."""
    lines = draw_fit(spectra, peaks, **{"width": WIDTH, "height": HEIGHT, **size}).plain.split("\n")
    start = max(lines[0].find("\u2524"), lines[1].find("\u2502")) + 1
    return lines, _dots([line[start:] for line in lines[:-2]])


def _one_peak(scale: str = "binding") -> tuple[xr.DataArray, xr.Dataset]:
    """A Gaussian of 1000 counts at 285 eV on 200 counts, without noise."""
    energy = np.linspace(280.0, 290.0, 201)
    peaks = make_peaks(
        energy,
        (),
        scale="binding",
        line_shape="gaussian",
        background="constant",
        parameters={"center": np.array([284.0]), "fwhm": 1.5, "height": 1000.0},
        background_parameters={"constant": 200.0},
        status=0,
    )
    envelope = curves(peaks)["envelope"].values
    return make_spectrum(envelope, energy, scale="binding", photon_energy=1486.6), peaks


def test_the_highest_dots_follow_the_curve() -> None:
    spectrum, peaks = _one_peak()
    _, dots = _drawn(spectrum, peaks)
    rows, columns = dots.shape
    energy = np.linspace(290.0, 280.0, columns)  # binding energy runs to the left
    expected = np.exp(-4 * np.log(2) * ((energy - 284.0) / 1.5) ** 2)
    found = 1 - dots.argmax(axis=0) / (rows - 1)
    # A steep line fills the dots up to half a column away.
    steepness = np.abs(np.gradient(expected))
    assert (np.abs(found - expected) <= 1.0 / (rows - 1) + steepness).all()


def test_a_steep_line_has_no_gap() -> None:
    canvas = Canvas(20, 10)
    canvas.curve([0.0, 0.49, 0.51, 1.0], [0.0, 0.0, 1.0, 1.0])
    dots = _dots([line.plain for line in canvas.lines()])
    assert dots.any(axis=0).all()
    assert dots.any(axis=1).all()


def test_dots_outside_and_missing_points_are_left_out() -> None:
    canvas = Canvas(4, 2)
    canvas.points([-0.1, 0.5, 1.1, 0.5, np.nan], [0.5, np.nan, 0.5, 2.0, 0.5])
    assert not _dots([line.plain for line in canvas.lines()]).any()
    canvas.points([0.0, 1.0], [0.0, 1.0])
    dots = _dots([line.plain for line in canvas.lines()])
    assert dots[-1, 0]
    assert dots[0, -1]
    assert dots.sum() == 2


def test_each_peak_has_its_color() -> None:
    drawing = draw_fit(sample("spectrum"), sample_truth("spectrum"))
    styles = {str(span.style) for span in drawing.spans}
    assert styles == {*PALETTE[:3], "dim", "bold"}


@pytest.mark.parametrize("size", [(40, 8), (80, 14), (120, 20)], ids=str)
def test_size_and_axes(size: tuple[int, int]) -> None:
    width, height = size
    lines, _ = _drawn(sample("spectrum"), sample_truth("spectrum"), width=width, height=height)
    assert len(lines) == height
    assert {len(line) for line in lines[:-1]} == {width}
    assert len(lines[-1]) <= width
    assert [float(one) for one in lines[-1].split()] == [294, 292, 290, 288, 286, 284, 282, 280]


def test_kinetic_energy_runs_to_the_right() -> None:
    spectrum, _ = _one_peak()
    kinetic = to_kinetic(spectrum)
    peaks = make_peaks(
        kinetic["energy"].values,
        (),
        scale="kinetic",
        line_shape="gaussian",
        background="constant",
        parameters={"center": np.array([1486.6 - 284.0]), "fwhm": 1.5, "height": 1000.0},
        background_parameters={"constant": 200.0},
        status=0,
    )
    lines, dots = _drawn(kinetic, peaks)
    highest = float(dots[0].nonzero()[0].mean()) / dots.shape[1]
    assert highest == pytest.approx(0.6, abs=0.02)
    numbers = [float(one) for one in lines[-1].removesuffix("eV").split()]
    assert numbers == sorted(numbers)


def test_noise_without_a_peak_and_a_map_are_drawn() -> None:
    _, dots = _drawn(sample("map"), sample_truth("map"))
    assert dots.any(axis=0).all()
    spectrum, peaks = _one_peak()
    peaks = peaks.assign(center=peaks["center"] * np.nan)
    peaks["background_constant"] = np.nan
    _, dots = _drawn(spectrum, peaks)
    assert dots.any()


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(280.0, 294.0, 8), (0.0, 1.0, 6), (1195.2, 1201.9, 6)],
)
def test_ticks_are_round_and_inside(low: float, high: float, expected: int) -> None:
    ticks = tick_values(low, high)
    assert len(ticks) == expected
    assert low <= ticks[0] < ticks[-1] <= high
