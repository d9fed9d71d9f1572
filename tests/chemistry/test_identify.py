from pathlib import Path

import bench_identify
import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet import cli
from xpsnet.chemistry.identify import identify
from xpsnet.chemistry.survey_lines import IDENTIFIABLE, survey_lines
from xpsnet.chemistry.survey_peaks import find_survey_peaks
from xpsnet.xpsnet_warning import XpsnetWarning

ENERGY = np.arange(0.0, 1200.0, 0.5)
SILICA = [(285.0, 1.0), (532.0, 2.9), (978.0, 0.6), (103.3, 0.6), (154.3, 0.6), (24.5, 0.25)]


def survey(
    lines: list[tuple[float, float]] = SILICA, shift: float = 0.0, seed: int = 1, **attrs: object
) -> xr.DataArray:
    counts = 2000.0 + ENERGY
    for center, height in lines:
        counts = counts + 8000 * height * np.exp(-(((ENERGY - center - shift) / 1.4) ** 2))
    counts = np.random.default_rng(seed).poisson(counts).astype(float)
    given = {"scale": "binding", "photon_energy": 1486.6, "x_ray_source": "Al mono", **attrs}
    return xr.DataArray(counts, {"energy": ENERGY}, ["energy"], "survey", given)


def names(candidates: xr.Dataset) -> set[str]:
    return set(candidates["element"].values.tolist())


@pytest.mark.parametrize("shift", [-4.0, 0.0, 5.0])
def test_silica_is_found_whatever_it_is_charged_to(shift: float) -> None:
    found = identify(survey(shift=shift))
    assert names(found) == {"C", "O", "Si"}
    assert float(found["shift"]) == pytest.approx(shift, abs=1.0)
    assert (found["probability"] > 0.9).all()
    assert float(found["strength"].sum()) == pytest.approx(1.0)
    oxygen = found.sel(element="O")
    at = [str(name) for name in oxygen["line_name"].values].index("O 1s")
    assert bool(oxygen["line_found"][at])
    assert float(oxygen["line_found_energy"][at]) == pytest.approx(532.0 + shift, abs=0.2)
    assert float(oxygen["line_height"][at]) > 100
    assert set(found["peak_name"].values.tolist()) >= {"C 1s", "O 1s", "O KLL", "Si 2s"}


def test_any_direction_and_scale_give_the_same() -> None:
    spectrum = survey()
    wanted = identify(spectrum)
    for other in (spectrum[::-1], xpsnet.to_kinetic(spectrum)):
        xr.testing.assert_allclose(identify(other).drop_attrs(), wanted.drop_attrs(), atol=1e-6)


def test_strong_lines_that_are_absent_speak_against_an_element() -> None:
    # A line where Sn 3d5/2 would be, without Sn 3d3/2.
    found = identify(survey([*SILICA, (486.0, 2.0)]))
    assert "Sn" not in names(found)
    forced = identify(survey([*SILICA, (486.0, 2.0)]), elements=("Sn",)).sel(element="Sn")
    assert int(forced["n_strong_missing"]) >= 1
    assert "Sn 3d3/2" in forced["line_name"].values[forced["line_strong"].values]
    whole = identify(survey([*SILICA, (486.0, 2.0), (494.4, 1.35), (26.0, 0.5), (715.5, 0.5)]))
    assert float(whole["probability"].sel(element="Sn")) > 0.95


def test_a_peak_that_nothing_explains_is_listed_without_a_name() -> None:
    found = identify(survey([*SILICA, (640.0, 0.4)]), exclude=("Mn", "Ni"))
    free = found["peak_energy"].values[found["peak_name"].values == ""]
    np.testing.assert_allclose(free, [640.0], atol=0.3)


def test_elements_that_are_excluded_or_required() -> None:
    assert "Si" not in names(identify(survey(), exclude=["si"]))
    found = identify(survey(), elements=("Na",))
    assert float(found["probability"].sel(element="Na")) < 0.5
    sodium = found.sel(element="Na")
    main = sodium["line_name"].values.tolist().index("Na 1s")
    assert not bool(sodium["line_found"][main])
    with pytest.raises(ValueError, match="expected symbols of elements from Li to U, got elements"):
        identify(survey(), elements=("Xx",))
    with pytest.raises(ValueError, match="got O in both; leave it out"):
        identify(survey(), elements=("O",), exclude=("O",))


def test_satellites_and_auger_lines_are_no_elements() -> None:
    strong = [(center, 12 * height) for center, height in SILICA]
    doubled = survey(strong)
    satellites = bench_identify.with_satellites(ENERGY, doubled.values - 2000 - ENERGY, "Al Ka")
    doubled = doubled.copy(data=satellites + 2000 + ENERGY)
    doubled.attrs["x_ray_source"] = "Al Ka non-mono"
    found = identify(doubled)
    assert names(found) == {"C", "O", "Si"}
    assert "satellite" in found["peak_name"].values


def test_a_stack_is_a_loop() -> None:
    other = survey([(285.0, 1.0), (532.0, 2.0), (978.0, 0.5), (346.9, 1.0), (350.5, 0.5)], seed=2)
    stack = xr.concat([survey(), other], dim=xr.DataArray([1.0, 2.0], dims="time", name="time"))
    found = identify(stack)
    assert names(found) == {"C", "O", "Si", "Ca"}
    np.testing.assert_array_equal(found["time"], [1.0, 2.0])
    for k, single in enumerate((survey(), other)):
        one = identify(single)
        for element in names(found):
            chance = float(found["probability"].sel(element=element)[k])
            alone = one["probability"].sel(element=element) if element in names(one) else 0.0
            assert chance == pytest.approx(float(alone))


def test_a_charge_shift_per_spectrum_moves_the_energies() -> None:
    moved = survey(shift=3.0).assign_coords(charge_shift=3.0)
    found = identify(moved)
    assert float(found["shift"]) == pytest.approx(0.0, abs=1.0)
    low, high = (float(found.sel(element="O")[name]) for name in ("window_low", "window_high"))
    assert low < 532.0 < high
    assert xpsnet.crop(moved, (low, high)).sizes["energy"] > 20


def test_windows_can_be_cut_and_fitted() -> None:
    spectrum = survey()
    one = identify(spectrum).sel(element="Si")
    assert one["window_level"].item() == "Si 2p"
    cut = xpsnet.crop(spectrum, (float(one["window_low"]), float(one["window_high"])))
    peaks = xpsnet.fit(cut, n_peaks=1, background="linear")
    assert float(peaks["center"][0]) == pytest.approx(103.3, abs=0.1)


def test_what_is_no_survey_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a survey of at least 100 eV"):
        identify(xpsnet.sample("spectrum"))
    with pytest.raises(ValueError, match="expected a photon energy to change kinetic"):
        identify(xpsnet.to_kinetic(survey()).drop_attrs().assign_attrs(scale="kinetic"))


def test_noise_has_no_candidates() -> None:
    found = identify(survey([]))
    assert found.sizes["element"] == 0
    assert np.isnan(float(found["shift"]))
    flat = survey().copy(data=np.full(ENERGY.size, 7.0))
    assert identify(flat).sizes["element"] == 0


def test_missing_points_are_bridged() -> None:
    spectrum = survey()
    spectrum[300:320] = np.nan
    assert names(identify(spectrum)) == {"C", "O", "Si"}


def test_an_unknown_photon_energy_and_a_reversed_axis_are_said() -> None:
    spectrum = survey()
    del spectrum.attrs["photon_energy"]
    with pytest.warns(XpsnetWarning, match=r"1486\.6 eV, is assumed"):
        assert names(identify(spectrum)) == {"C", "O", "Si"}
    steep = survey()
    steep.values[:] = steep.values[::-1] + 4 * ENERGY[::-1]
    with pytest.warns(XpsnetWarning, match="may run the wrong way"):
        identify(steep)


# Kinetic energies of the main Auger lines [eV]: what users know from handbooks, to some eV.
@pytest.mark.parametrize(
    ("element", "group", "kinetic"),
    [("C", "KLL", 264), ("O", "KLL", 508), ("Na", "KLL", 990), ("Mg", "KLL", 1181),
     ("Cu", "LMM", 918), ("Zn", "LMM", 992), ("Ag", "MNN", 352), ("Sn", "MNN", 430)],
)  # fmt: skip
def test_auger_lines_lie_where_they_are_measured(element: str, group: str, kinetic: float) -> None:
    lines = [one for one in survey_lines(element, 1486.6) if one.name == f"{element} {group}"]
    assert 1486.6 - lines[0].energy == pytest.approx(kinetic, abs=6.0)
    # They belong to kinetic energies.
    other = [one for one in survey_lines(element, 1253.6) if one.name == f"{element} {group}"]
    if other:
        assert lines[0].energy - other[0].energy == pytest.approx(233.0)


def test_every_element_has_lines_of_the_strengths_of_scofield() -> None:
    assert all(survey_lines(element, 1486.6) for element in IDENTIFIABLE)
    # J. H. Scofield, J. Electron Spectrosc. Relat. Phenom. 8, 129 (1976), Al K-alpha.
    for name, factor in [("O 1s", 2.93), ("F 1s", 4.43), ("Au 4f7/2", 9.58), ("Ti 2p3/2", 5.22)]:
        line, carbon = (
            next(one for one in survey_lines(text.split()[0], 1486.6) if one.name == text)
            for text in (name, "C 1s")
        )
        seen = ((1486.6 - line.energy) / (1486.6 - carbon.energy)) ** 0.7
        assert line.strength / carbon.strength / seen == pytest.approx(factor, rel=0.01)
    assert survey_lines("C", 200.0) == ()


def test_heights_and_energies_of_peaks() -> None:
    spectrum = survey()
    peaks = find_survey_peaks(ENERGY, spectrum.values)
    for center, height in SILICA:
        k = int(np.argmin(np.abs(peaks.energy - center)))
        assert peaks.energy[k] == pytest.approx(center, abs=0.1)
        assert peaks.fwhm[k] == pytest.approx(2.33, abs=0.5)
        assert peaks.height[k] == pytest.approx(8000 * height, rel=0.1)
    assert (peaks.significance > 5).sum() == len(SILICA)
    limit = peaks.upper_limit(np.array([400.0, 5000.0]))
    assert 0 < limit[0] < 300
    assert np.isnan(limit[1])


def test_false_peaks_in_noise_are_rare() -> None:
    rng = np.random.default_rng(3)
    flat = [rng.poisson(np.full(1200, 500.0)).astype(float) for _ in range(40)]
    found = [find_survey_peaks(np.arange(1200.0), one).significance for one in flat]
    assert sum(int((one > 5).sum()) for one in found) <= 1
    assert sum(one.size for one in found) < 5 * len(found)  # weaker ones need an explanation


def test_simulated_surveys() -> None:
    rows = bench_identify.simulated(6, seed=7)
    by_counts = {row["counts"]: row for row in rows}
    assert by_counts[1e6]["recall"] > 0.85
    assert by_counts[1e4]["recall_visible"] > 0.75
    assert all(row["false"] <= 1.0 for row in rows)


def test_measured_surveys(real_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_identify, "DATA", real_data)
    rows = {row["file"]: row for row in bench_identify.main(["measured"])}
    assert rows["specs/MgFe2O4_small.xy"]["candidates"][:1] == ["C"]
    assert {"Mg", "Fe", "O"} <= set(rows["specs/MgFe2O4_small.xy"]["candidates"])
    judged = [row for row in rows.values() if row["false"] is not None]
    assert sum(len(row["false"]) for row in judged) <= len(judged)
    wanted = sum(len(row["wanted"]) for row in judged)
    assert sum(len(row["missing"]) for row in judged) <= 0.05 * wanted


def test_the_plot_names_the_lines() -> None:
    spectrum = survey()
    figure = xpsnet.plot(spectrum, identify(spectrum))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {"C 1s", "O 1s", "Si 2p", "Si 2s"} <= set(texts)
    stack = xr.concat([spectrum, spectrum], dim="time")
    with pytest.raises(ValueError, match="expected the candidates of one survey"):
        stack.xps.plot(stack.xps.identify())
    assert stack.xps.plot(stack.xps.identify(), isel={"time": 1}).axes[0].texts
    kinetic = xpsnet.to_kinetic(spectrum)
    placed = xpsnet.plot(kinetic, identify(kinetic)).axes[0].texts
    at = next(text.xy[0] for text in placed if text.get_text() == "O 1s")
    assert at == pytest.approx(1486.6 - 532.0, abs=0.3)


def test_the_command_prints_candidates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "survey.vms"
    spectrum = survey()
    xpsnet.write(spectrum, path)
    figure = tmp_path / "survey.png"
    assert cli.main(["identify", str(path), "--plot", str(figure), "--exclude", "Li"]) == 0
    out = capsys.readouterr().out
    assert "candidate" in out
    assert "window to fit" in out
    assert "Si 2p 1" in out
    assert "identified" not in out
    assert figure.stat().st_size > 1000
    stack = xr.concat([spectrum, survey(seed=4)], dim=xr.DataArray([0.0, 1.0], dims="time"))
    xpsnet.write(stack, tmp_path / "stack.nc")
    assert cli.main(["identify", str(tmp_path / "stack.nc")]) == 0
    assert "2 surveys; candidates in single surveys" in capsys.readouterr().out


def test_words() -> None:
    source = Path(bench_identify.ROOT / "src" / "xpsnet" / "chemistry" / "identify.py").read_text()
    assert "identified as" not in source


def test_the_benchmark_of_charging_maps_and_the_picture(tmp_path: Path) -> None:
    found = bench_identify.main(["calibration", "--size", "4"])
    assert found["within_2_errors"] > 0.6
    assert found["fit_within_2_errors"] > 0.7
    assert found["fit_rms_eV"] < 0.02
    bench_identify.main(["picture", "--out", str(tmp_path / "survey.png")])
    assert (tmp_path / "survey.png").stat().st_size > 10_000
