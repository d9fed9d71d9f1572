"""Figures, reports and the command line of quantifications."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xpsnet
from tests.chemistry.quantify_peaks import region_peaks
from xpsnet.cli import main


def _profile(n: int = 4) -> xr.Dataset:
    times = {"etch_time": ("etch_time", np.arange(n) * 10.0, {"units": "s"})}
    carbon = region_peaks(
        "C 1s", np.full((n, 1), 100.0), stderr=2.0, dims=["etch_time"], coords=times
    )
    oxygen = region_peaks(
        "O 1s", 293.0 * np.ones((n, 1)), stderr=5.0, dims=["etch_time"], coords=times
    )
    return xpsnet.quantify([carbon, oxygen], transmission=None)


def test_a_profile_is_drawn_with_bands() -> None:
    found = _profile()
    (axes,) = found.xps.plot_profile().axes
    assert [line.get_label() for line in axes.get_lines()] == ["C 1s", "O 1s"]
    np.testing.assert_allclose(
        axes.get_lines()[0].get_ydata(), 100 * found.atomic_fraction.sel(region="C 1s")
    )
    assert axes.get_xlabel() == "etch time [s]"
    assert axes.get_ylabel() == "Atomic fraction [at.%]"
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    half = 196 * float(found.atomic_fraction_stderr.sel(region="C 1s")[0])
    assert np.ptp(band) == pytest.approx(2 * half, rel=1e-6)
    (deep,) = found.xps.plot_profile("area", sputter_rate=0.5).axes
    np.testing.assert_allclose(deep.get_lines()[0].get_xdata(), [0.0, 5.0, 10.0, 15.0])
    assert deep.get_xlabel() == "Depth [nm]"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantity": "many"}, "expected a variable over peaks or regions and a scan"),
        ({"along": "angle"}, "expected one of the coordinates"),
        ({"sputter_rate": 0.0}, "expected a finite number above 0"),
    ],
    ids=str,
)
def test_profiles_that_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _profile().xps.plot_profile(**options)


def test_a_map_is_drawn_as_images() -> None:
    places = {"y": np.arange(3.0), "x": np.arange(4.0)}
    areas = np.arange(12.0).reshape(3, 4, 1)
    carbon = region_peaks("C 1s", areas, stderr=1.0, dims=["y", "x"], coords=places)
    oxygen = region_peaks("O 1s", 293 + 0 * areas, stderr=1.0, dims=["y", "x"], coords=places)
    found = xpsnet.quantify([carbon, oxygen], transmission=None)
    figure = found.xps.plot_map()
    images = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in images] == ["C 1s", "O 1s"]
    drawn = images[0].collections[0].get_array()
    np.testing.assert_allclose(drawn, 100 * found.atomic_fraction.sel(region="C 1s"))
    bars = [axes.get_ylabel() for axes in figure.axes if not axes.get_title()]
    assert bars == ["Atomic fraction [at.%]"] * 2
    with pytest.raises(ValueError, match="plot_profile draws a scan"):
        _profile().xps.plot_map()


def test_maps_are_no_profile() -> None:
    square = _profile().expand_dims(x=2)
    with pytest.raises(ValueError, match="choose a row or a column with isel"):
        square.xps.plot_profile()


def test_a_report_states_fractions_and_factors(tmp_path: Path) -> None:
    spectrum = xpsnet.sample("spectrum")
    peaks = xpsnet.fit(spectrum)
    found = xpsnet.quantify([peaks, region_peaks("O 1s", [1e4], stderr=100.0)], transmission=None)
    xpsnet.report(spectrum, peaks, tmp_path / "a.md", quantified=found)
    text = (tmp_path / "a.md").read_text(encoding="utf-8")
    part = text.split("## Quantification")[1].split("## Software")[0]
    carbon = 100 * float(found.atomic_fraction[0])
    assert f"| C 1s | {carbon:.1f}" in part
    assert "2.931" in part
    assert "Scofield" in part
    assert "proportional to E^0.71" in part
    assert "Systematic uncertainty: of each factor 10 %" in part.replace("*", "")
    with pytest.raises(TypeError, match=r"expected a Dataset from xpsnet\.quantify"):
        xpsnet.report(spectrum, peaks, tmp_path / "b.md", quantified=peaks)


@pytest.fixture
def two_regions(tmp_path: Path) -> Path:
    carbon = xpsnet.sample("spectrum").isel(energy=slice(None, None, 2))
    oxygen = carbon.assign_coords(energy=carbon.energy.values + 247.0).rename("O 1s")
    path = tmp_path / "two.nc"
    xpsnet.write([carbon, oxygen], path)
    return path


def test_the_command_line(two_regions: Path, capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    target = tmp_path / "at.csv"
    given = ["quantify", str(two_regions), "--transmission", "ke^-0.7", "-o", str(target)]
    assert main(given) == 0
    out = capsys.readouterr().out
    assert "at.%" in out
    assert "C 1s" in out
    assert "transmission: proportional to E^-0.7" in out
    rows = target.read_text().splitlines()
    assert rows[0].startswith("region,atomic_fraction,atomic_fraction_stderr")
    values = [float(row.split(",")[1]) for row in rows[1:]]
    assert sum(values) == pytest.approx(1.0)
    assert main(given) == 2
    assert "which exists; choose another name" in capsys.readouterr().err
    assert main([*given, "--overwrite", "--leave-out", "O 1s"]) == 0
    assert "O 1s" not in capsys.readouterr().out


def test_the_command_line_takes_stored_fits(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    path = tmp_path / "peaks.nc"
    xpsnet.write(xpsnet.fit(xpsnet.sample("spectrum")), path)
    assert main(["quantify", str(path), "--fits", "--level", "state", "--imfp", "none"]) == 0
    assert "C 1s state 3" in capsys.readouterr().out
    bad = ["quantify", str(path), "--fits", "--imfp", "tpp2m"]
    assert main(bad) == 2
    assert "expected material=" in capsys.readouterr().err
    assert main([*bad, "--formula", "SiO2", "--density", "2.2"]) == 0
    assert "valence electrons" in capsys.readouterr().out
