"""Hands on the curve and the live fit, with real mouse and keyboard events in a real viewer."""

from typing import Any

import numpy as np
import pytest
from editor_window import CTRL, SHIFT, cell, press, type_into, value
from hand import Hand, settle
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QKeyEvent
from truth_engine import TruthEngine

from napari_xpsnet._plot import SMOOTH
from napari_xpsnet._widget import FitPeaks


def test_apex_moves_center_and_height(fitted: FitPeaks, hand: Hand) -> None:
    center, height, fwhm = (value(fitted, name) for name in ("center", "height", "fwhm"))
    hand.drag(hand.of(fitted.view.editor.handles.apex), (-30, 40))
    assert value(fitted, "center") == pytest.approx(
        center - 30 * hand.energies_per_pixel(), abs=0.02
    )
    assert value(fitted, "height") < 0.95 * height
    assert value(fitted, "fwhm") == fwhm
    assert fitted.stack.undoText().startswith("center and height of ")


@pytest.mark.parametrize(("key", "kept"), [(SHIFT, "height"), (CTRL, "center")])
def test_a_key_holds_one_direction(fitted: FitPeaks, hand: Hand, key: Any, kept: str) -> None:
    before = {name: value(fitted, name) for name in ("center", "height")}
    hand.drag(hand.of(fitted.view.editor.handles.apex), (-30, 40), key)
    changed = {name for name in before if value(fitted, name) != before[name]}
    assert changed == {"center", "height"} - {kept}


@pytest.mark.parametrize("flank", [0, 1])
def test_flanks_move_the_width(fitted: FitPeaks, hand: Hand, flank: int) -> None:
    handle = fitted.view.editor.handles.flanks[flank]
    center, fwhm = value(fitted, "center"), value(fitted, "fwhm")
    outwards = np.sign((hand.of(handle) - hand.apex_of(1)).x())
    hand.drag(hand.of(handle), (20 * outwards, 0))
    assert value(fitted, "center") == center
    wider = fwhm + 2 * 20 * abs(hand.energies_per_pixel())
    assert value(fitted, "fwhm") == pytest.approx(wider, rel=0.03)


def test_the_curve_follows_the_mouse_and_escape_takes_it_back(fitted: FitPeaks, hand: Hand) -> None:
    editor, before = fitted.view.editor, fitted.edit.content
    start = hand.of(editor.handles.apex)
    hand.press(start)
    hand.move(start, start + QPointF(-60, 0))
    assert fitted.edit.content is before
    curves = editor.plot.curves
    assert curves.energy[np.argmax(curves.component[0])] == pytest.approx(
        value(fitted, "center"), abs=14 / SMOOTH
    )
    assert value(fitted, "center") > 285.0
    assert "not fitted" in editor.status.text()
    assert editor.plot.redchi > 5
    press(fitted, Qt.Key.Key_Escape)
    hand.move(start + QPointF(-60, 0), start + QPointF(-90, 0))
    hand.release(start + QPointF(-90, 0))
    assert fitted.edit.content is before
    assert value(fitted, "center") == pytest.approx(284.8, abs=0.1)


def test_a_linked_partner_moves_along(fitted: FitPeaks, hand: Hand) -> None:
    type_into(fitted, 2, "center", "= peak 1 + 1.7 eV")
    hand.drag(hand.of(fitted.view.editor.handles.apex), (-40, 0), SHIFT)
    assert value(fitted, "center", 2) == pytest.approx(value(fitted, "center") + 1.7)
    assert value(fitted, "center") > 285.0
    fitted.edit.select(2)
    assert "= peak 1 + 1.7 eV" in fitted.view.editor.handles.note.textItem.toPlainText()


def test_what_is_locked_has_no_handle_and_says_why(fitted: FitPeaks, hand: Hand) -> None:
    handles = fitted.view.editor.handles
    type_into(fitted, 1, "fwhm", "lock")
    assert not any(flank.isVisible() for flank in handles.flanks)
    assert handles.apex.isVisible()
    assert "FWHM locked" in handles.note.textItem.toPlainText()
    type_into(fitted, 1, "center", "lock")
    center, height = value(fitted, "center"), value(fitted, "height")
    hand.drag(hand.of(handles.apex), (-40, 30))
    assert value(fitted, "center") == center
    assert value(fitted, "height") < height
    type_into(fitted, 1, "fwhm", "free")
    assert all(flank.isVisible() for flank in handles.flanks)


def test_double_click_adds_a_peak_as_wide_as_the_data(dock: FitPeaks, hand: Hand) -> None:
    top = float(dock.view.spectrum(dock.edit.pixel).max())
    hand.double_click(hand.pixel(284.8, 0.97 * top))
    assert dock.edit.selected == 1
    assert value(dock, "center") == pytest.approx(284.8, abs=0.05)
    assert 0.8 < value(dock, "fwhm") < 1.5
    hand.double_click(hand.pixel(288.9, 0.6 * top))
    assert value(dock, "center", 2) == pytest.approx(288.9, abs=0.05)
    assert 0.8 < value(dock, "fwhm", 2) < 1.8
    assert dock.edit.selected == 2
    dock.stack.undo()
    dock.stack.undo()
    assert dock.edit.peaks() is None


def test_a_click_selects_and_ghosts_show_the_others(fitted: FitPeaks, hand: Hand) -> None:
    handles = fitted.view.editor.handles
    handles.hover(True)
    assert [ghost.isVisible() for ghost in handles.ghosts] == [False, True, True]
    hand.click(hand.of(handles.ghosts[2]))
    assert fitted.edit.selected == 3
    top = hand.apex_of(2)
    hand.click(top + QPointF(0, 40))
    assert fitted.edit.selected == 2
    assert fitted.view.editor.table_view.currentIndex().row() == 1
    handles.hover(False)
    assert not any(ghost.isVisible() for ghost in handles.ghosts)


def test_keys_of_the_plot(fitted: FitPeaks) -> None:
    center, height = value(fitted, "center"), value(fitted, "height")
    press(fitted, Qt.Key.Key_Left)
    assert value(fitted, "center") == pytest.approx(center + 0.01)
    press(fitted, Qt.Key.Key_Right, SHIFT)
    assert value(fitted, "center") == pytest.approx(center - 0.09)
    press(fitted, Qt.Key.Key_Up)
    assert value(fitted, "height") == pytest.approx(1.01 * height)
    press(fitted, Qt.Key.Key_Tab)
    assert fitted.edit.selected == 2
    press(fitted, Qt.Key.Key_Backtab, SHIFT)
    press(fitted, Qt.Key.Key_Backtab, SHIFT)
    assert fitted.edit.selected == 3
    press(fitted, Qt.Key.Key_Delete)
    assert fitted.view.table.rowCount() == 2
    press(fitted, Qt.Key.Key_Z, CTRL)
    assert fitted.view.table.rowCount() == 3
    press(fitted, Qt.Key.Key_Z, CTRL)
    press(fitted, Qt.Key.Key_Z, CTRL)
    assert value(fitted, "center") == pytest.approx(center)
    press(fitted, Qt.Key.Key_Z, CTRL | SHIFT)
    assert value(fitted, "center") == pytest.approx(center - 0.09)


def test_keys_without_a_name_do_nothing(fitted: FitPeaks) -> None:
    graphics = fitted.view.editor.plot.graphics
    key = QKeyEvent(QEvent.Type.KeyPress, 0x0416, Qt.KeyboardModifier.NoModifier, "\u0416")
    assert not fitted.view.editor.eventFilter(graphics, key)


def test_a_labels_layer_keeps_its_own_undo(fitted: FitPeaks, viewer) -> None:
    undo = fitted.view.editor.undo
    assert undo.shortcuts()
    viewer.add_labels(np.zeros((4, 4), dtype=int))
    viewer.window._qt_viewer.canvas.native.setFocus()
    settle()
    assert not undo.shortcuts()
    fitted.view.editor.plot.graphics.setFocus()
    settle()
    assert undo.shortcuts()


def test_a_double_click_on_a_handle_adds_no_peak(fitted: FitPeaks, hand: Hand) -> None:
    hand.double_click(hand.of(fitted.view.editor.handles.apex))
    assert fitted.edit.peaks().sizes["peak"] == 3


def test_axes_stay_during_a_drag_and_follow_again_after_it(fitted: FitPeaks, hand: Hand) -> None:
    plot = fitted.view.plot
    before = plot.main.viewRange()
    start = hand.of(fitted.view.editor.handles.apex)
    hand.press(start)
    hand.move(start, start + QPointF(0, -120))
    assert plot.main.viewRange() == before
    hand.release(start + QPointF(0, -120))
    settle(0.1)
    assert plot.main.viewRange()[1][1] > before[1][1]
    plot.main.getViewBox().setRange(yRange=(0, 5000), padding=0)
    hand.drag(hand.of(fitted.view.editor.handles.flanks[0]), (10, 0))
    assert plot.main.viewRange()[1] == [0, 5000]


def test_a_live_fit_follows_the_release(
    fitted: FitPeaks, hand: Hand, engine: TruthEngine, qtbot
) -> None:
    hand.drag(hand.of(fitted.view.editor.handles.apex), (-40, 0))
    settle(0.5)
    assert len(engine.calls) == 1
    fitted.panel.live.setChecked(True)
    with qtbot.waitSignal(fitted.runner.finished, timeout=10_000):
        hand.drag(hand.of(fitted.view.editor.handles.apex), (-40, 0))
        moved = fitted.edit.peaks()
    assert engine.calls[1][0] == "refine"
    assert engine.calls[1][1]["peaks"] is moved
    assert fitted.stack.undoText() == "refine"
    fitted.stack.undo()
    settle(0.5)
    assert fitted.edit.peaks() is moved
    assert len(engine.calls) == 2


def test_a_change_during_a_live_fit_counts_more(
    fitted: FitPeaks, hand: Hand, engine: TruthEngine, qtbot
) -> None:
    fitted.panel.live.setChecked(True)
    engine.hold = True
    type_into(fitted, 1, "center", "284.9")
    qtbot.waitUntil(engine.half.is_set)
    fitted.panel.live.setChecked(False)
    type_into(fitted, 1, "center", "285.25")
    with qtbot.waitSignal(fitted.runner.finished, timeout=10_000):
        engine.go.set()
    assert value(fitted, "center") == 285.25


def test_refine_repeats_what_the_peaks_carry(fitted: FitPeaks, hand: Hand, qtbot) -> None:
    from napari_xpsnet._worker import library

    fitted.engine = library
    type_into(fitted, 2, "center", "= peak 1 + 1.65 eV")
    type_into(fitted, 3, "fwhm", "lock")
    locked = value(fitted, "fwhm", 3)
    with qtbot.waitSignal(fitted.runner.finished, timeout=120_000):
        fitted.panel.refine.click()
    assert value(fitted, "center", 2) == pytest.approx(value(fitted, "center") + 1.65)
    assert value(fitted, "fwhm", 3) == pytest.approx(locked)
    assert "locked" in fitted.view.table.data(cell(fitted, 3, "fwhm"))
    assert "Reduced chi-square" in fitted.view.editor.status.text()
