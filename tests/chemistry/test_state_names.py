import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet import cli
from xpsnet.chemistry.state_names import known_states, state_candidates
from xpsnet.cli_table import plain_text, state_report
from xpsnet.data.levels import core_level
from xpsnet.samples import sample_truth

TABLE = Path(xpsnet.__file__).parent / "chemistry" / "states.toml"
LEVELS = re.findall(r'^\["(.*)"\]$', TABLE.read_text(encoding="utf-8"), re.MULTILINE)


def peaks(*centers: float, region: str = "C 1s", **variables: object) -> xr.Dataset:
    truth = sample_truth("spectrum").isel(peak=0, drop=True)
    made = truth.expand_dims(peak=np.arange(1, len(centers) + 1))
    made = made.assign(center=("peak", np.array(centers)), **variables)
    return made.assign_attrs(region=region)


@pytest.mark.parametrize("level", LEVELS)
def test_every_range_lies_among_the_states_of_its_level(level: str) -> None:
    known = core_level(level)
    assert known is not None
    states = known_states(level)
    assert states
    assert len({one.name for one in states}) == len(states)
    low, high = known.states
    for one in states:
        assert one.high - one.low <= 2.5
        # The table of levels has half an eV of margin; some energies there are those of other
        # solids than the metal.
        assert low - 0.7 <= one.low
        assert one.high <= high + 0.7
        assert "doi" in one.source or "ISBN" in one.source, "a citation, not a key"


def test_a_common_set_is_there() -> None:
    assert len(LEVELS) >= 50
    assert sum(len(known_states(level)) for level in LEVELS) >= 150


@pytest.mark.parametrize(
    ("region", "center", "name"),
    [("C 1s", 284.9, "C-C, C-H"), ("Ti 2p", 458.6, "TiO2"), ("Si 2p", 103.5, "SiO2"),
     ("Au4f", 84.0, "Au"), ("F 1s", 689.6, "CF2 (PTFE)"), ("Cu 2p", 934.7, "Cu(OH)2"),
     ("Ni 2p3/2", 852.6, "Ni"), ("Al 2p", 74.3, "Al2O3"), ("W 4f", 35.7, "WO3")],
)  # fmt: skip
def test_well_known_states(region: str, center: float, name: str) -> None:
    found = state_candidates(peaks(center, region=region))
    assert name in found["candidate_name"].values[0]
    k = found["candidate_name"].values[0].tolist().index(name)
    assert float(found["distance"][0, k]) == 0.0


def test_distance_counts_from_the_nearer_end_of_the_range() -> None:
    state = {one.name: one for one in known_states("Ti 2p")}["TiO2"]
    found = state_candidates(peaks(state.low - 0.25, state.high + 0.5, region="Ti 2p"), n=1)
    np.testing.assert_allclose(found["distance"].values[:, 0], [-0.25, 0.5], atol=1e-9)
    assert found["candidate_name"].values[:, 0].tolist() == ["TiO2", "TiO2"]
    assert float(found["candidate_low"][0, 0]) == state.low
    far = state_candidates(peaks(470.0, region="Ti 2p"))
    assert far["candidate_name"].values[0].tolist() == ["", "", ""]
    assert np.isnan(far["distance"]).all()


def test_both_lines_of_a_doublet_have_the_candidates_of_one() -> None:
    given = peaks(458.6, 464.3, np.nan, region="Ti 2p", state=("peak", [1, 1, 0]))
    found = state_candidates(given, n=1)["candidate_name"].values[:, 0]
    assert found.tolist() == ["TiO2", "TiO2", ""]


def test_maps_and_the_kinetic_scale() -> None:
    one = peaks(284.9, 286.5)
    stack = xr.concat([one, one.assign(center=one["center"] + 2.5)], dim="x")
    found = state_candidates(stack)
    assert found["candidate_name"].dims == ("x", "peak", "candidate")
    assert found["candidate_name"].values[0, 0, 0] == "C-C, C-H"
    kinetic = one.assign(center=1486.6 - one["center"]).assign_attrs(
        scale="kinetic", photon_energy=1486.6
    )
    np.testing.assert_array_equal(
        state_candidates(kinetic)["candidate_name"], state_candidates(one)["candidate_name"]
    )
    del kinetic.attrs["photon_energy"]
    with pytest.raises(ValueError, match="expected a photon energy"):
        state_candidates(kinetic)


def test_a_file_of_the_user_extends_the_table(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[sources]\nwe2024 = "Our paper, doi 10.1/2"\n'
        '["c1s"]\n"our linker" = { range = [286.4, 286.6], source = "we2024" }\n'
        '"C-C, C-H" = { range = [284.9, 285.1], source = "by agreement" }\n'
    )
    found = peaks(286.5, 284.75).xps.state_candidates(path, n=20, within=3.0)
    assert found["candidate_name"].values[0, 0] == "our linker"
    assert found["candidate_source"].values[0, 0] == "Our paper, doi 10.1/2"
    names = found["candidate_name"].values[1].tolist()
    assert names.count("C-C, C-H") == 1
    k = names.index("C-C, C-H")
    assert float(found["distance"][1, k]) == pytest.approx(-0.15)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no toml [", "expected a TOML file with states"),
        ('["C 1s"]\nx = { range = [2, 1], source = "a" }', "two ascending energies"),
        ('["C 1s"]\nx = { range = [1, 2] }', "and a source"),
        ('["C 1s"]\nx = 3', "expected a range"),
        ('[survey]\nx = { range = [1, 2], source = "a" }', r"core levels, got \[survey\]"),
    ],
)
def test_a_wrong_file_is_answered_by_a_sentence(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        state_candidates(peaks(284.8), path)


def test_what_has_no_level_is_refused() -> None:
    with pytest.raises(ValueError, match="expected the core level of the peaks, got the region"):
        state_candidates(peaks(284.8, region="survey"))
    with pytest.raises(ValueError, match="expected a core level"):
        known_states("survey")
    with pytest.raises(ValueError, match="expected a peaks Dataset"):
        state_candidates(xr.Dataset())
    assert state_candidates(peaks(45.0, region="Be 1s"))["candidate_name"].values.tolist() == [
        ["", "", ""]
    ]


def test_the_charge_reference_is_stated() -> None:
    assert "check it" in state_candidates(peaks(284.8)).attrs["charge_reference"]
    given = peaks(284.8).assign_attrs(charge_reference="C 1s 284.8 eV")
    assert state_candidates(given).attrs["charge_reference"] == "C 1s 284.8 eV"


def test_the_chosen_name_stays_with_the_peaks(tmp_path: Path) -> None:
    given = sample_truth("spectrum").assign_attrs(region="C 1s")
    name = str(state_candidates(given)["candidate_name"].values[1, 0])
    labelled = xpsnet.change_peak(given, 2, label=name)
    assert labelled["label"].values[1] == name
    xpsnet.write(labelled, tmp_path / "peaks.csv")
    assert name in (tmp_path / "peaks.csv").read_text(encoding="utf-8")
    texts = xpsnet.plot(xpsnet.sample("spectrum"), labelled).axes[0].get_legend().get_texts()
    assert any(text.get_text().startswith(name) for text in texts)


def test_candidates_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    xpsnet.write(xpsnet.sample("spectrum"), tmp_path / "a.csv")
    given = ["fit", str(tmp_path / "a.csv"), "--n-peaks", "3", "--background", "linear"]
    assert cli.main([*given, "--state-names"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"1 +C-C, C-H +\+0\.00 +G\. Beamson", out)
    assert "charge reference: none is stated" in out
    own = tmp_path / "mine.toml"
    own.write_text('["C 1s"]\n"ours" = { range = [284.79, 284.81], source = "us" }')
    assert cli.main([*given, "--state-names", str(own)]) == 0
    assert "ours" in capsys.readouterr().out
    stack = xr.concat([peaks(284.8), peaks(284.9)], dim="x")
    assert "of the first spectrum" in plain_text(*state_report(state_candidates(stack)))
