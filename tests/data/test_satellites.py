"""X-ray satellites: what is added is taken out again, on any axis; refusals."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.constants import SATELLITES
from xpsnet.data.satellites import anode_without_monochromator, remove_satellites
from xpsnet.data.spectrum import make_spectrum, to_kinetic

STEP = 0.05
# Shifts of all satellites are multiples of this step, so that nothing is interpolated.
ENERGY = np.round(np.arange(500.0, 620.0, STEP), 6)


def lines(energy: np.ndarray) -> np.ndarray:
    """Three lines on a constant background that fade away long before the ends."""
    centers, heights = np.array([530.0, 531.5, 560.0]), np.array([1000.0, 400.0, 300.0])
    shapes = np.exp(-(((energy[:, None] - centers) / 0.8) ** 2))
    return 50.0 + shapes @ heights


def measured(energy: np.ndarray, source: str) -> np.ndarray:
    """Closed form of what such a source shows: p(E) + sum a p(E + d)."""
    return lines(energy) + sum(s.height * lines(energy + s.shift) for s in SATELLITES[source])


@pytest.mark.parametrize("source", SATELLITES)
@pytest.mark.parametrize("falling", [False, True], ids=["rising", "falling"])
@pytest.mark.parametrize("scale", ["binding", "kinetic"])
def test_what_the_source_adds_is_taken_out(source: str, falling: bool, scale: str) -> None:
    energy = ENERGY[::-1] if falling else ENERGY
    spectrum = make_spectrum(
        measured(energy, source), energy, scale="binding", name="O 1s", photon_energy=1486.6
    )
    if scale == "kinetic":
        spectrum = to_kinetic(spectrum)
    cleaned = remove_satellites(spectrum, source=source)
    np.testing.assert_allclose(cleaned, lines(energy), rtol=0, atol=1e-6)
    assert cleaned.name == "O 1s"
    assert cleaned.attrs == spectrum.attrs | {"satellites_removed": source}
    xr.testing.assert_identical(cleaned.energy, spectrum.energy)


def test_satellites_of_satellites_are_right() -> None:
    # By hand: p = S - a S(E + d) + a^2 S(E + 2 d) - ...
    counts = np.zeros(ENERGY.size)
    counts[np.isclose(ENERGY, 550.0)] = 1000.0
    for k in range(1, 4):
        counts[np.isclose(ENERGY, 550.0 - 8.0 * k)] = 0.0
    cleaned = remove_satellites(make_spectrum(counts, ENERGY, scale="binding"), source=[(8.0, 0.1)])
    for k, expected in enumerate([1000.0, -100.0, 10.0, -1.0]):
        at = np.isclose(ENERGY, 550.0 - 8.0 * k)
        np.testing.assert_allclose(cleaned.values[at], expected, rtol=1e-9)


def test_a_non_uniform_axis_is_interpolated() -> None:
    random = np.random.default_rng(0)
    energy = np.cumsum(random.uniform(0.03, 0.08, 2200)) + 500.0
    spectrum = make_spectrum(measured(energy, "Mg Ka"), energy, scale="binding")
    cleaned = remove_satellites(spectrum, source="Mg Ka")
    # 0.08 of what linear interpolation misses of a line of this width at these steps.
    np.testing.assert_allclose(cleaned, lines(energy), rtol=0, atol=0.08 * 1000 * 0.08**2 / 4 * 3)


@pytest.mark.parametrize("step", [5.0, 15.0, 100.0])
def test_steps_as_coarse_as_the_shifts(step: float) -> None:
    energy = np.arange(0.0, 1200.0, step)
    p = np.linspace(100.0, 200.0, energy.size)
    p[-6:] = p[-1]
    grown = np.concatenate([p, np.full(200, p[-1])])
    further = step * np.arange(grown.size)
    added = sum(s.height * np.interp(energy + s.shift, further, grown) for s in SATELLITES["Al Ka"])
    spectrum = make_spectrum(p + added, energy, scale="binding")
    np.testing.assert_allclose(remove_satellites(spectrum, source="Al Ka"), p, rtol=1e-9)


def test_beyond_the_window_the_spectrum_counts_as_constant() -> None:
    # 500 to 536 eV: without the line at 560 eV, whose K beta satellite at 511.5 eV stays.
    energy = ENERGY[: int(36 / STEP)]
    spectrum = make_spectrum(measured(energy, "Mg Ka"), energy, scale="binding")
    left = remove_satellites(spectrum, source="Mg Ka") - lines(energy)
    assert float(np.abs(left).max()) == pytest.approx(0.005 * 300, rel=0.02)
    assert float(left.idxmax()) == pytest.approx(511.5, abs=0.01)
    assert float(np.abs(left[energy > 514.0]).max()) < 0.01


def test_missing_points_stay_missing_and_disturb_nobody() -> None:
    counts = np.stack([measured(ENERGY, "Mg Ka")] * 4)
    counts[1, 100:103] = np.nan
    counts[2, ::2] = np.nan
    counts[3] = np.nan
    stack = make_spectrum(counts, ENERGY, scale="binding")
    cleaned = remove_satellites(stack, source="Mg Ka")
    np.testing.assert_array_equal(np.isnan(cleaned), np.isnan(counts))
    for row in range(3):
        present = np.isfinite(counts[row])
        np.testing.assert_allclose(
            cleaned.values[row, present], lines(ENERGY)[present], rtol=0, atol=0.3
        )


def test_a_stack_is_the_same_as_its_spectra_and_dask_stays_lazy() -> None:
    counts = np.random.default_rng(1).poisson(measured(ENERGY, "Al Ka"), (3, 2, ENERGY.size))
    stack = make_spectrum(counts, ENERGY, scale="binding", dims=("y", "x", "energy"))
    cleaned = remove_satellites(stack, source="Al Ka")
    one = remove_satellites(stack[2, 1], source="Al Ka")
    np.testing.assert_allclose(cleaned[2, 1], one, rtol=1e-12)
    lazy = remove_satellites(stack.chunk(y=1, energy=700), source="Al Ka")
    assert hasattr(lazy.data, "dask")
    np.testing.assert_allclose(lazy.compute(), cleaned, rtol=1e-12)


@pytest.mark.parametrize(
    ("attrs", "name"),
    [
        ({"x_ray_source": "Mg 1253.6 std"}, "Mg Ka"),
        ({"x_ray_source": "Al 1486.6 achromatic"}, "Al Ka"),
        ({"source": "al k-alpha twin anode"}, "Al Ka"),
        ({"photon_energy": 1253.64}, "Mg Ka"),
        ({"source": "Mg"}, "Mg Ka"),
    ],
)
def test_the_source_is_found_in_the_attributes(attrs: dict[str, object], name: str) -> None:
    spectrum = make_spectrum(measured(ENERGY, name), ENERGY, scale="binding", **attrs)
    cleaned = remove_satellites(spectrum)
    assert cleaned.attrs["satellites_removed"] == name
    np.testing.assert_allclose(cleaned, lines(ENERGY), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("attrs", "source", "message"),
    [
        ({"x_ray_source": "Al 1486.6 mono"}, None, "without a monochromator, got 'Al 1486.6 mono'"),
        ({"photon_energy": 1486.6}, None, "photon energy 1486.6 eV; pass source"),
        ({"x_ray_source": "Al 1486.6"}, None, "source 'Al 1486.6' and no photon energy"),
        ({"source": "Algol"}, None, "source 'Algol'"),
        ({}, None, "no photon energy; pass source"),
        ({}, "Ag La", "one of the sources"),
        ({}, [(-8.0, 0.1)], "a shift > 0 eV"),
        ({}, [(8.0, 0.9)], "height from 0 to 0.5"),
        ({}, [], "pairs of a shift"),
        (
            {"satellites_removed": "Mg Ka"},
            "Mg Ka",
            "those of Mg Ka were removed; call remove_satellites once",
        ),
    ],
)
def test_refusals(attrs: dict[str, object], source: object, message: str) -> None:
    spectrum = make_spectrum(lines(ENERGY), ENERGY, scale="binding", **attrs)
    with pytest.raises(ValueError, match=message):
        remove_satellites(spectrum, source=source)  # type: ignore[arg-type]


def test_a_measured_line_loses_its_satellites(real_data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the reader tells of the satellites
        spectrum = xpsnet.read_one(real_data / "phi" / "BN-BS-1 multiplex.spe", region="O 1s")
    cleaned = xpsnet.remove_satellites(spectrum)
    line = float(spectrum.energy[int(np.argmax(spectrum.values))])

    def bump(spectra: xr.DataArray) -> float:
        """Mean of the satellites 3 and 4 above what is left and right of them."""
        mean = [
            float(spectra.sel(energy=slice(line - a, line - b)).mean())
            for a, b in ((5.6, 6.6), (7.6, 10.9), (12.2, 13.2))
        ]
        return mean[1] - (mean[0] + mean[2]) / 2

    assert bump(spectrum) > 0.03 * float(spectrum.max() - spectrum.min())
    assert abs(bump(cleaned)) < 0.3 * bump(spectrum)


@pytest.mark.parametrize(
    ("told", "anode"),
    [
        ("Mg", "Mg Ka"),
        ("MgKa", "Mg Ka"),
        ("XR 50 Mg K-alpha", "Mg Ka"),
        ("Al Ka achromatic", "Al Ka"),
        ("Al non-mono", "Al Ka"),
        ("Al without monochromator", "Al Ka"),
        ("Al", None),
        ("Al (mono)", None),
        ("Mg/Al twin", None),
        ("MgO", None),
        ("XR 50", None),
        ("", None),
    ],
    ids=lambda text: text or "empty",
)
def test_only_what_the_text_of_a_source_tells_counts(told: str, anode: str | None) -> None:
    assert anode_without_monochromator(told) == anode
