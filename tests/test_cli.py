"""The command line: tables, files, one-sentence errors; the library behind it is replaced."""

import inspect
import io
import os
import re
import shlex
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet import cli
from xpsnet.cli_table import describe_spectra, peak_report, plain_text
from xpsnet.data.peaks import Status, make_peaks
from xpsnet.data.spectrum import make_spectrum
from xpsnet.models.weights import Model
from xpsnet.training.evaluation import Evaluation

ENERGY = np.linspace(294.0, 280.0, 141)


def _spectra(shape: tuple[int, ...] = (), name: str = "C 1s") -> xr.DataArray:
    counts = np.full((*shape, ENERGY.size), 100.0)
    return make_spectrum(counts, ENERGY, scale="binding", name=name, photon_energy=1486.6)


def _peaks(shape: tuple[int, ...] = (), **changes: Any) -> xr.Dataset:
    """Two peaks everywhere, except that the first of several spectra has none."""
    center = np.broadcast_to([284.8, 286.3], (*shape, 2)).copy()
    fwhm, height, share = np.full_like(center, 1.1), np.full_like(center, 1e4), np.full((2,), 0.3)
    n_peaks, status = np.full(shape, 2), np.full(shape, Status.OK)
    if shape:
        center.reshape(-1, 2)[0] = np.nan
        n_peaks.flat[0], status.flat[0] = 0, Status.NO_PEAKS
    probability = np.broadcast_to([0.0, 0.05, 0.93, 0.02], (*shape, 4))
    given = {
        "scale": "binding",
        "line_shape": "pseudo_voigt",
        "background": "linear",
        "parameters": {"center": center, "fwhm": fwhm, "height": height, "fraction": share},
        "background_parameters": {"constant": np.full(shape, 90.0), "slope": np.zeros(shape)},
        "status": status,
        "n_peaks": n_peaks,
        "n_peaks_probability": probability,
        "redchi": np.full(shape, 1.02),
        "stderr": {"center": np.full_like(center, 0.0123), "height": np.full_like(center, 52.0)},
        "attrs": {"model": "default", "model_version": "1"},
    }
    dims = ("y", "x")[: len(shape)]
    return make_peaks(ENERGY, dims, {}, **{**given, **changes})


class Library:
    """Stands for the library: answers with fixed spectra and peaks and remembers its calls."""

    def __init__(self) -> None:
        self.regions = [_spectra()]
        self.calls: dict[str, dict[str, Any]] = {}

    def read(self, path: Any, **options: Any) -> list[xr.DataArray]:
        self.calls["read"] = {"path": path, **options}
        return self.regions

    def fit(self, spectra: xr.DataArray, **options: Any) -> xr.Dataset:
        self.calls["fit"] = options
        return _peaks(spectra.shape[:-1])

    def predict(self, spectra: xr.DataArray, **options: Any) -> xr.Dataset:
        self.calls["predict"] = options
        return _peaks(spectra.shape[:-1])

    def write(self, peaks: xr.Dataset, path: str, *, overwrite: bool, spectra: Any) -> None:
        assert not overwrite
        self.calls["write"] = {"path": path} | ({} if spectra is None else {"spectra": spectra})


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    fake = Library()
    monkeypatch.setattr("xpsnet.io.read.read", fake.read)
    monkeypatch.setattr("xpsnet.io.write.write", fake.write)
    monkeypatch.setattr("xpsnet.pipeline.fit.fit", fake.fit)
    monkeypatch.setattr("xpsnet.models.prediction.predict", fake.predict)
    return fake


def test_fit_prints_a_table_with_errors(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["fit", "a.vms"]) == 0
    out = capsys.readouterr().out
    assert "C 1s of a.vms" in out
    assert "2 peaks, probability 0.93 (1: 0.05, 3: 0.02)" in out
    assert "284.800 ± 0.012" in out
    assert "10000 ± 52" in out
    assert "center [eV]" in out
    assert "reduced chi-square 1.02" in out
    assert "50.0 %" in out


def _in_states(shape: tuple[int, ...] = ()) -> xr.Dataset:
    """The same peaks as one doublet, or as two lines where several spectra have an even number."""
    peaks = _peaks(shape).drop_vars("n_peaks_probability")
    alone = np.arange(peaks.n_peaks.size).reshape(shape) % 2 == 0
    alone &= len(shape) > 0
    second = np.where(alone, 2, 1)
    state = np.stack([np.ones_like(second), second], axis=-1) * (
        peaks.n_peaks.values[..., None] > 0
    )
    chosen = np.where(alone, 1, 0)
    lead = peaks.n_peaks.dims
    probability = np.broadcast_to([0.0, 0.93, 0.06, 0.01], (*shape, 4))
    peaks.attrs["model_choices"] = '["one state: C 1s doublet", "two states: two C 1s lines"]'
    peaks.attrs["model_choice_text"] = "one state: C 1s doublet, probability 0.93; second: others"
    return peaks.assign(
        state=((*lead, "peak"), state),
        n_states=(lead, state.max(axis=-1)),
        n_states_probability=((*lead, "count"), probability),
        model_choice=(lead, chosen),
    )


def test_fit_in_states_prints_the_model_and_the_state_of_each_peak(
    library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("xpsnet.pipeline.fit.fit", lambda *_, **__: _in_states())
    assert cli.main(["fit", "a.vms"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "1 state, probability 0.93 (2: 0.06, 3: 0.01), with 2 peaks" in lines
    assert "chosen: one state: C 1s doublet, probability 0.93; second: others" in lines
    header = next(i for i, line in enumerate(lines) if line.startswith("peak "))
    assert lines[header].split()[:3] == ["peak", "state", "center"]
    assert [line.split()[:3] for line in lines[header + 1 :]] == [
        ["1", "1", "284.800"],
        ["2", "1", "286.300"],
    ]


def test_fit_in_states_groups_a_stack_by_its_models(
    library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("xpsnet.pipeline.fit.fit", lambda *_, **__: _in_states((2, 5)))
    assert cli.main(["fit", "map.nc"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "chosen: one state: C 1s doublet, probability 0.93; second: others" in lines
    assert "no state: 1 spectrum, 10.0 %" in lines  # where nothing was found, whatever was tried
    for title, state in (
        ("one state: C 1s doublet: 5 spectra, 50.0 %", "1"),
        ("two states: two C 1s lines: 4 spectra, 40.0 %", "2"),
    ):
        at = lines.index(title)
        assert lines[at + 1].split()[:3] == ["peak", "state", "spectra"]
        spectra = title.split(": ")[-1].split()[0]
        assert lines[at + 3].split()[:4] == ["2", state, spectra, "286.3"]


def test_a_peak_at_a_later_place_of_a_map_is_shown_there() -> None:
    peaks = _peaks((2, 5))
    moved = peaks.copy(deep=True)
    for name in ("center", "fwhm", "height", "area"):
        moved[name][..., 0] = np.nan
    moved["n_peaks"] = xr.where(peaks.n_peaks > 0, 1, 0)
    report = plain_text(*peak_report(moved)).splitlines()
    at = report.index("1 peak: 9 spectra, 90.0 %")
    assert report[at + 2].split()[:3] == ["2", "9", "286.3"]
    assert not report[at + 3]


def test_labels_that_number_places_are_not_shown_beside_states() -> None:
    peaks = _in_states().assign_coords(label=("peak", ["state 1", "C-O"]))
    rows = [line.split()[:3] for line in plain_text(*peak_report(peaks)).splitlines()[-2:]]
    assert rows == [["1", "1", "284.800"], ["2", "C-O", "1"]]


def test_fit_prints_a_summary_of_a_stack(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    library.regions = [_spectra((2, 5))]
    assert cli.main(["fit", "map.nc"]) == 0
    out = capsys.readouterr().out
    assert "10 spectra (y 2, x 5)" in out
    assert "no peaks: 1 spectrum, 10.0 %" in out
    assert "2 peaks: 9 spectra, 90.0 %" in out
    assert "No peaks found: there is only background and noise." in out


@pytest.mark.parametrize(
    ("stored", "photon_energy", "words", "expected"),
    [
        ("kinetic", 1486.6, "", "binding"),
        ("kinetic", None, "", "kinetic"),
        ("kinetic", 1486.6, " --show kinetic", "kinetic"),
        ("binding", 1486.6, " --show kinetic", "kinetic"),
        ("binding", None, "", "binding"),
    ],
    ids=["known", "unknown", "as stored", "converted", "binding"],
)
def test_fit_is_on_the_scale_of_binding_energy_where_that_is_known(
    stored: str, photon_energy: float | None, words: str, expected: str, tmp_path: Path
) -> None:
    attrs = {} if photon_energy is None else {"photon_energy": photon_energy}
    axis = ENERGY if stored == "binding" else 1486.6 - ENERGY
    counts = 100 + 1e4 * np.exp(-4 * np.log(2) * ((ENERGY - 285) / 1.1) ** 2)
    spectra = make_spectrum(counts, axis, scale=stored, name="C 1s", **attrs)
    xpsnet.write(spectra, tmp_path / "c1s.nc")
    line = f"fit {tmp_path / 'c1s.nc'} --no-refine -o {tmp_path / 'peaks.nc'}{words}"
    assert cli.main(line.split()) == 0
    with xr.open_dataset(tmp_path / "peaks.nc") as peaks:
        assert peaks.attrs["scale"] == expected
        center = 285.0 if expected == "binding" else 1486.6 - 285.0
        assert peaks.center.values[0] == pytest.approx(center, abs=0.2)


def test_fit_passes_on_what_the_user_says(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = (
        "fit a.csv --region O1s --energy-range 540 525 --scale kinetic --photon-energy 730"
        " --energy-offset -0.5 --sum-over angle --sum-over scan --model mine --n-peaks 3"
        " --background tougaard -o a.csv"
    )
    assert cli.main(words.split()) == 0
    assert library.calls["read"] == {
        "path": "a.csv",
        "region": "O1s",
        "scale": "kinetic",
        "photon_energy": 730.0,
        "energy_offset": -0.5,
        "sum_over": ["angle", "scan"],
    }
    assert library.calls["fit"] == {
        "model": "mine",
        "n_peaks": 3,
        "background": "tougaard",
        "energy_range": (540.0, 525.0),
        "progress": False,
    }
    assert library.calls["write"] == {"path": "a.csv"}


@pytest.mark.parametrize(
    "words", ["-o peaks.doc", "-o nowhere/peaks.csv", "--plot fit.doc", "--plot nowhere/fit.png"]
)
def test_names_that_cannot_be_written_are_refused_before_the_fit(
    library: Library, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["fit", "a.vms", *words.split()]) == 2
    assert "xpsnet: expected" in capsys.readouterr().err
    assert not library.calls


def test_vamas_without_a_photon_energy_is_refused_before_the_fit(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    del library.regions[0].attrs["photon_energy"]
    assert cli.main(["fit", "a.vms", "-o", "peaks.vms"]) == 2
    assert "say --photon-energy 1486.6" in capsys.readouterr().err
    assert "fit" not in library.calls


def test_every_suffix_that_is_let_through_can_be_written(tmp_path: Path) -> None:
    from xpsnet.io.write import write

    for suffix in cli.RESULT_SUFFIXES:
        beside = {"spectra": _spectra()} if suffix in cli.SUFFIXES_WITH_SPECTRA else {}
        write(_peaks(), tmp_path / f"peaks{suffix}", **beside)


def test_a_region_may_be_a_number(library: Library) -> None:
    assert cli.main(["info", "a.vms", "--region", "1"]) == 0
    assert library.calls["read"]["region"] == 1


def test_no_refine_only_predicts(library: Library) -> None:
    assert cli.main(["fit", "a.vms", "--no-refine"]) == 0
    assert set(library.calls) == {"read", "predict"}


def test_several_files_are_one_series(library: Library) -> None:
    assert cli.main(["fit", "a.csv", "b.csv"]) == 0
    assert library.calls["read"]["path"] == ["a.csv", "b.csv"]


def test_plot_is_saved(library: Library, tmp_path: Path) -> None:
    figure = tmp_path / "fit.png"
    assert cli.main(["fit", "a.vms", "--plot", str(figure)]) == 0
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_info_shows_every_region(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    library.regions = [_spectra(), _spectra((3, 4), "O 1s")]
    assert cli.main(["info", "a.vms"]) == 0
    out = capsys.readouterr().out
    assert "C 1s\n" in out
    assert "size            141 points" in out
    assert "size            y 3, x 4, 141 points" in out
    assert "294.00 to 280.00 eV, even steps of 0.1 eV" in out
    assert "photon_energy   1486.6" in out


def test_several_regions_ask_for_a_choice(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    library.regions = [_spectra(), _spectra(name="O 1s")]
    assert cli.main(["fit", "a.vms"]) == 2
    assert 'choose one of "C 1s", "O 1s" with --region' in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [ValueError("expected this,\n got that"), FileNotFoundError("expected this, got that")],
    ids=["refusal", "file"],
)
def test_an_error_is_one_line_and_exit_code_2(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("xpsnet.io.read.read", refuse)
    assert cli.main(["info", "a.vms"]) == 2
    assert capsys.readouterr().err == "xpsnet: expected this, got that\n"
    with pytest.raises(type(error), match="expected this"):
        cli.main(["--debug", "info", "a.vms"])


def test_a_warning_is_one_line(
    library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def warn(*_: Any, **__: Any) -> list[xr.DataArray]:
        warnings.warn("the file does not say\n its scale", UserWarning, stacklevel=2)
        return library.regions

    monkeypatch.setattr("xpsnet.io.read.read", warn)
    assert cli.main(["info", "a.vms"]) == 0
    assert capsys.readouterr().err == "xpsnet: note: the file does not say its scale\n"


def test_stopping_by_hand_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("xpsnet.io.read.read", stop)
    assert cli.main(["info", "a.vms"]) == 130
    assert capsys.readouterr().err == "xpsnet: stopped\n"


@pytest.mark.parametrize(
    "words",
    ["", "fit", "fit a.vms --n-peaks few", "fit a.vms --scale wave", "nonsense"],
    ids=["nothing", "no file", "peaks", "scale", "command"],
)
def test_wrong_usage_is_exit_code_2(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(words.split())
    assert stopped.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_report_without_errors_or_probability() -> None:
    peaks = _peaks(stderr=None, n_peaks_probability=None, redchi=None)
    report = plain_text(*peak_report(peaks))
    assert "284.8" in report
    assert "±" not in report
    assert "probability" not in report


def test_report_shows_the_spread_of_a_prediction() -> None:
    peaks = _peaks(stderr=None, spread={"center": np.array([0.05, 0.05])})
    assert "284.800 ± 0.050" in plain_text(*peak_report(peaks))


def test_report_of_noise_has_no_table() -> None:
    nothing = np.full(2, np.nan)
    peaks = _peaks(
        parameters=dict.fromkeys(("center", "fwhm", "height", "fraction"), nothing),
        stderr=None,
        status=Status.NO_PEAKS,
        n_peaks=0,
    )
    report = plain_text(*peak_report(peaks))
    assert "no peaks" in report
    assert "center" not in report


def test_uneven_steps_are_named() -> None:
    spectra = make_spectrum(np.ones(4), [1.0, 2.0, 4.0, 5.0], scale="kinetic")
    assert "uneven steps" in describe_spectra(spectra)
    assert "(no region name)" in describe_spectra(spectra)


def test_train_exports_what_it_has_trained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    called: dict[str, Any] = {}

    def train(name: str, folder: str | None, **options: Any) -> Path:
        called.update(name=name, folder=folder, **options)
        return Path("runs") / name

    def export(run: Path, folder: Path) -> Model:
        return Model("mine", {}, folder)

    monkeypatch.setattr("xpsnet.training.train.train", train)
    monkeypatch.setattr("xpsnet.training.export.export", export)
    words = "train default --resume --minutes 1.5 --spectra 1000 --out here"
    assert cli.main(words.split()) == 0
    assert called == {
        "name": "default",
        "folder": "here",
        "resume": True,
        "minutes": 1.5,
        "spectra": 1000,
    }
    assert f"--model {Path('runs/default/mine.json')}" in capsys.readouterr().out


def test_evaluate_prints_every_figure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {"count_accuracy": 0.91234, "center": 0.02}
    found = Evaluation("default", "shoulders", 1000, figures)
    monkeypatch.setattr("xpsnet.training.evaluation.evaluate", lambda name: found)
    assert cli.main(["evaluate", "default"]) == 0
    title, *rows = capsys.readouterr().out.splitlines()
    assert title == "default, 1,000 simulated spectra of the recipe shoulders"
    assert [row.split()[:2] for row in rows] == [["count_accuracy", "0.9123"], ["center", "0.0200"]]


def test_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("default")
    assert "0 to 6 peaks" in out


def test_warm_up_says_that_fits_begin_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["warm-up"]) == 0
    assert capsys.readouterr().out.startswith("ready after ")


@pytest.mark.parametrize(
    ("words", "removed"),
    [("", None), (' --remove-satellites "Mg Ka"', "Mg Ka"), (" --remove-satellites auto", "Al Ka")],
)
def test_satellites_are_removed_on_request(
    library: Library, monkeypatch: pytest.MonkeyPatch, words: str, removed: str | None
) -> None:
    library.regions[0].attrs["x_ray_source"] = "Al 1486.6 std"
    given: list[xr.DataArray] = []

    def fit(spectra: xr.DataArray, **_: Any) -> xr.Dataset:
        given.append(spectra)
        return _peaks()

    monkeypatch.setattr("xpsnet.pipeline.fit.fit", fit)
    assert cli.main(["fit", "a.spe", *shlex.split(words)]) == 0
    assert given[0].attrs.get("satellites_removed") == removed


def test_a_monochromated_source_has_no_satellites(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    library.regions[0].attrs["x_ray_source"] = "Al 1486.6 mono"
    assert cli.main(["fit", "a.spe", "--remove-satellites", "auto"]) == cli.ERROR
    assert "which has no satellites" in capsys.readouterr().err


class Terminal(io.StringIO):
    """Stands for a terminal with colors."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def _on_a_terminal(words: str, monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    """What a command writes to a terminal."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "90", **environment}.items():
        monkeypatch.setenv(name, value)
    with redirect_stdout(Terminal()) as terminal:
        assert cli.main(shlex.split(words)) == 0
    return terminal.getvalue()


def test_a_terminal_shows_a_drawing_in_color(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = _on_a_terminal("fit a.vms", monkeypatch)
    assert "\x1b[" in shown
    assert re.search("[\u2801-\u28ff]", shown)
    assert "284.800 ± 0.012" in shown


def test_no_color_is_respected(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _on_a_terminal("fit a.vms", monkeypatch, NO_COLOR="1")
    assert "\x1b" not in shown
    assert re.search("[\u2801-\u28ff]", shown)
    assert max(map(len, shown.splitlines())) <= 90


def test_a_file_of_another_program_is_replaced_on_request(
    library: Library, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("xpsnet.io.read.read", library.read)
    monkeypatch.setattr("xpsnet.pipeline.fit.fit", library.fit)
    target = tmp_path / "peaks.csv"
    target.write_text("mine")
    words = ["fit", "a.vms", "-o", str(target)]
    assert cli.main(words) == cli.ERROR
    assert target.read_text() == "mine"
    assert cli.main([*words, "--overwrite"]) == 0
    assert "center" in target.read_text()


def test_plain_output_has_no_drawing_and_no_codes(
    library: Library, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    assert cli.main(["fit", "a.vms"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert not re.search("[\u2800-\u28ff]", out)
    header = next(line for line in out.splitlines() if line.startswith("peak "))
    assert header.split() == ["peak", "center", "[eV]", "fwhm", "[eV]", "height", "[counts]",
                              "area", "[counts", "eV]", "fraction", "share"]  # fmt: skip


def test_several_regions_are_listed_first(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    library.regions = [_spectra(), _spectra((3, 4), "O 1s")]
    assert cli.main(["info", "a.vms"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["region", "spectra", "points", "energy", "[eV]", "scale"]
    assert lines[2].split() == ["O", "1s", "12", "141", "294.00", "to", "280.00", "binding"]


def test_options_of_the_fit_have_the_names_of_the_library(library: Library) -> None:
    words = (
        'fit a.vms --background "static shirley" --line-shape voigt --shared fwhm fraction'
        ' --doublets "S 2p" --noise 3 --scale-errors --constraints fwhm=1.1 center_1=284:285.5'
        ' fraction=:0.5 "center_2 = center_1 + 1.19"'
    )
    assert cli.main(shlex.split(words)) == 0
    given = library.calls["fit"]
    assert {name: given[name] for name in given if name not in ("model", "n_peaks")} == {
        "energy_range": None,
        "progress": False,
        "background": "static shirley",
        "line_shape": "voigt",
        "shared": ("fwhm", "fraction"),
        "doublets": ["S 2p"],
        "noise": 3.0,
        "scale_errors": True,
        "constraints": {
            "fwhm": 1.1,
            "center_1": (284.0, 285.5),
            "fraction": (None, 0.5),
            "center_2": "center_1 + 1.19",
        },
    }


def test_options_of_the_states_have_the_names_of_the_library(library: Library) -> None:
    words = "fit a.vms --n-states 2 --line-shape auto --doublets auto --background auto"
    assert cli.main([*words.split(), "--model-error", "0.01"]) == 0
    given = library.calls["fit"]
    names = ("n_peaks", "n_states", "line_shape", "doublets", "background", "model_error")
    assert [given[name] for name in names] == ["auto", 2, "auto", "auto", "auto", 0.01]
    assert cli.main(["fit", "a.vms", "--doublets", "none"]) == 0
    assert library.calls["fit"]["doublets"] == ()
    assert not {"n_states", "line_shape", "background", "model_error"} & set(library.calls["fit"])


def test_the_defaults_are_those_of_the_library() -> None:
    defaults = inspect.signature(xpsnet.fit).parameters
    for name in ("n_peaks", "n_states", "line_shape", "doublets", "background"):
        assert defaults[name].default == "auto"
    assert defaults["model_error"].default is None


def test_each_peak_may_have_a_line_shape(library: Library) -> None:
    words = 'fit a.vms --n-peaks 2 --line-shape "GL(30)" --line-shape voigt'
    assert cli.main(shlex.split(words)) == 0
    assert library.calls["fit"]["line_shape"] == ["GL(30)", "voigt"]


def test_nothing_is_shared_on_request(library: Library) -> None:
    assert cli.main(["fit", "a.vms", "--shared"]) == 0
    assert library.calls["fit"]["shared"] == ()


def test_background_may_be_a_file(library: Library, tmp_path: Path) -> None:
    curve = tmp_path / "background.csv"
    curve.touch()
    assert cli.main(["fit", "a.vms", "--background", str(curve)]) == 0
    xr.testing.assert_identical(library.calls["fit"]["background"], _spectra())
    assert library.calls["read"]["path"] == str(curve)


def test_options_of_the_fit_are_refused_without_a_fit(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["fit", "a.vms", "--no-refine", "--noise", "3", "--line-shape", "voigt"]) == 2
    assert "no --line-shape and --noise with --no-refine" in capsys.readouterr().err
    assert cli.main(["fit", "a.vms", "--no-refine", "--n-states", "2"]) == 2
    assert "no --n-states with --no-refine" in capsys.readouterr().err


def test_an_unexpected_error_is_one_sentence(
    library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("y")

    monkeypatch.setattr("xpsnet.pipeline.fit.fit", fail)
    assert cli.main(["fit", "a.vms"]) == cli.ERROR
    assert capsys.readouterr().err == "xpsnet: unexpected KeyError: 'y'; --debug shows where\n"


@pytest.mark.parametrize(
    ("text", "noise"), [("poisson", "poisson"), ("each", "each"), ("2.5", 2.5)]
)
def test_noise_is_a_number_or_a_word(library: Library, text: str, noise: str | float) -> None:
    assert cli.main(["fit", "a.vms", "--noise", text]) == 0
    assert library.calls["fit"]["noise"] == noise


@pytest.mark.parametrize("words", ["--constraints fwhm", "--constraints =3"])
def test_a_constraint_without_a_value_is_refused(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["fit", "a.vms", *words.split()])
    assert stopped.value.code == 2
    assert "expected NAME=VALUE" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")
@pytest.mark.parametrize(
    "words", ["info PIPE", "fit PIPE", "fit SOUND --model PIPE.json", "train PIPE.toml"]
)
def test_no_command_waits_for_a_pipe(
    tmp_path: Path, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("PIPE", "PIPE.json", "PIPE.toml"):
        os.mkfifo(tmp_path / name)
    xpsnet.write(xpsnet.sample("spectrum"), tmp_path / "SOUND.csv")
    words = words.replace("SOUND", str(tmp_path / "SOUND.csv"))
    assert cli.main(words.replace("PIPE", str(tmp_path / "PIPE")).split()) == 2
    assert re.search(r"got .*a pipe; save what comes from it", capsys.readouterr().err)


def test_info_shows_what_the_columns_of_a_table_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"{290 - i / 10:.1f};{100 + i};{10}\n" for i in range(20))
    path = tmp_path / "C1s.csv"
    path.write_text(f"BE (eV);Counts;Error\n{rows}")
    assert cli.main(["info", str(path)]) == 0
    out = capsys.readouterr().out
    assert "  columns         1 'BE (eV)': axis\n" in out
    assert "                  3 'Error': error\n" in out
