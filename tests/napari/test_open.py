"""Open XPS spectra...: the dialog asks only for what a file does not say."""

from pathlib import Path
from typing import Any

import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QDialog, QFileDialog

import xpsnet
from napari_xpsnet import _open


@pytest.fixture
def silent_file(tmp_path: Path) -> str:
    """A csv file that says neither scale nor photon energy."""
    path = tmp_path / "silent.csv"
    path.write_text("".join(f"{1196 + i / 10},{100 + i}\n" for i in range(60)))
    return str(path)


def answer(monkeypatch: pytest.MonkeyPatch, accept: bool, **given: Any) -> list[_open.EnergyDialog]:
    """Answer the dialog as a user would, and collect the dialogs that came up."""
    shown: list[_open.EnergyDialog] = []

    def execute(self: _open.EnergyDialog) -> int:
        shown.append(self)
        for name, value in given.items():
            getattr(self.form, name).value = value
        return int(QDialog.DialogCode.Accepted if accept else QDialog.DialogCode.Rejected)

    monkeypatch.setattr(_open.EnergyDialog, "exec", execute)
    return shown


def test_silent_file_is_asked_about(
    silent_file: str, monkeypatch: pytest.MonkeyPatch, qtbot
) -> None:
    answer(monkeypatch, True, scale="kinetic", photon_energy=1486.6, offset=0.5)
    viewer = ViewerModel()
    (layer,) = _open.open_paths(viewer, [silent_file])
    spectra = layer.metadata["as_read"]
    assert layer.metadata["dataarray"].attrs["scale"] == "binding"
    assert spectra.attrs["scale"] == "kinetic"
    assert spectra.attrs["photon_energy"] == 1486.6
    assert spectra["energy"].values[0] == pytest.approx(1196.5)
    assert layer.metadata["origin"]["given"] == {
        "scale": "kinetic",
        "photon_energy": 1486.6,
        "energy_offset": 0.5,
    }
    assert viewer.layers[0] is layer


def test_a_dimension_can_be_summed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot) -> None:
    path = tmp_path / "sweeps.txt"
    rows = "".join(f"{530 + i / 10}\t{i}\t{2 * i}\n" for i in range(20))
    path.write_text("B.E.\tSweep1\tSweep2\n" + rows)

    def execute(dialog: _open.EnergyDialog) -> int:
        assert list(dialog.sum_over.choices) == [None, "scan"]
        dialog.sum_over.value = "scan"
        return int(QDialog.DialogCode.Accepted)

    monkeypatch.setattr(_open.EnergyDialog, "exec", execute)
    (layer,) = _open.open_paths(ViewerModel(), [str(path)])
    spectra = layer.metadata["dataarray"]
    assert spectra.dims == ("energy",)
    assert spectra.values[10] == 30
    assert layer.metadata["origin"]["given"] == {"sum_over": "scan"}


def test_dialog_can_be_left_as_it_is_or_cancelled(
    silent_file: str, monkeypatch: pytest.MonkeyPatch, qtbot
) -> None:
    answer(monkeypatch, True)
    (layer,) = _open.open_paths(ViewerModel(), [silent_file])
    assert layer.metadata["dataarray"].attrs["scale"] == "binding"
    answer(monkeypatch, False)
    assert _open.open_paths(ViewerModel(), [silent_file]) == []


def test_file_that_says_everything_opens_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot
) -> None:
    path = tmp_path / "said.nc"
    xpsnet.write(xpsnet.sample("line_scan"), path)
    shown = answer(monkeypatch, True)
    (layer,) = _open.open_paths(ViewerModel(), [str(path)])
    assert shown == []
    assert tuple(layer.axis_labels) == ("position", "energy")


def test_file_without_spectra_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot
) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear colleague,\nno spectra today.\n")
    given: list[str] = []
    monkeypatch.setattr("napari.utils.notifications.show_error", given.append)
    assert _open.open_paths(ViewerModel(), [str(path)]) == []
    assert "letter.txt" in given[0]


def test_dialog_says_what_was_read(silent_file: str, qtbot) -> None:
    layers, remarks = _open._read(silent_file, {})
    assert _open._regions_text(layers) == (
        "silent: 1 spectrum, 1196 to 1201.9 eV (binding energy), photon energy not stated"
    )
    text = _open._remarks_text(remarks)
    assert text == "⚠ silent.csv: the energy scale is not stated, binding energy is assumed"
    dialog = _open.EnergyDialog(layers, remarks)
    qtbot.addWidget(dialog)
    assert dialog.given() == {}


def test_menu_commands_pass_on_what_was_chosen(
    silent_file: str, monkeypatch: pytest.MonkeyPatch, qtbot
) -> None:
    opened: list[Any] = []
    monkeypatch.setattr(_open, "open_paths", lambda viewer, paths: opened.append(paths))
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([silent_file], ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "folder")
    _open.open_spectra()
    _open.open_folder()
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([], ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    _open.open_spectra()
    _open.open_folder()
    assert opened == [[silent_file], ["folder"]]


TABLE = "BE (eV),counts,background,sum\n" + "".join(
    f"{280 + i / 10},{100 + i},{40 + i},{300 + 2 * i}\n" for i in range(30)
)


def test_columns_of_a_table_are_shown_and_can_be_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(TABLE)
    shown = []

    def execute(dialog: _open.EnergyDialog) -> int:
        form = dialog.columns
        assert form is not None
        shown.extend(form.columns)
        assert dialog.given() == {}
        form.boxes[1].setCurrentText("left out")
        form.boxes[3].setCurrentText("spectrum")
        return int(QDialog.DialogCode.Accepted)

    monkeypatch.setattr(_open.EnergyDialog, "exec", execute)
    (layer,) = _open.open_paths(ViewerModel(), [str(path)])
    assert [(number, label) for number, label, _ in shown] == [
        (1, "BE (eV)"), (2, "counts"), (3, "background"), (4, "sum")
    ]  # fmt: skip
    assert [role for _, _, role in shown[:3]] == ["axis", "spectrum", "background"]
    assert layer.metadata["as_read"].values[:2].tolist() == [300, 302]
    given = {"columns": {"axis": [1], "left out": [2], "spectrum": [4]}}
    assert layer.metadata["origin"]["given"] == given


def test_wrong_columns_are_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(TABLE)
    said: list[str] = []
    monkeypatch.setattr("napari.utils.notifications.show_error", said.append)

    def execute(dialog: _open.EnergyDialog) -> int:
        assert dialog.columns is not None
        dialog.columns.boxes[0].setCurrentText("left out")  # no energies are left
        return int(QDialog.DialogCode.Accepted)

    monkeypatch.setattr(_open.EnergyDialog, "exec", execute)
    assert _open.open_paths(ViewerModel(), [str(path)]) == []
    assert len(said) == 1
    assert "t.csv" in said[0]
