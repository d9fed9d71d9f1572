"""Shader programs are deleted only where the next drawing has another program than the last."""

import gc
from typing import Any

import numpy as np
import pytest
from hand import settle
from vispy.gloo import gl
from vispy.gloo.glir import GlirProgram

from napari_xpsnet._shader_programs import delay_deletions

LAYERS = 3


def test_deletion_waits_for_another_program(viewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    delay_deletions()
    calls: list[tuple[str, int]] = []
    delete, prepare = gl.glDeleteProgram, GlirProgram._pre_draw

    def note_delete(handle: int) -> None:
        calls.append(("delete", handle))
        delete(handle)

    def note_draw(program: Any) -> None:
        calls.append(("draw", program.handle))
        prepare(program)

    monkeypatch.setattr(gl, "glDeleteProgram", note_delete)
    monkeypatch.setattr(GlirProgram, "_pre_draw", note_draw)
    viewer.add_image(np.ones((8, 8)))
    for _ in range(2):
        added = [viewer.add_image(np.ones((8, 8))) for _ in range(LAYERS)]
        settle(0.3)
        for one in added:
            viewer.layers.remove(one)
        del added, one
        settle(0.2)
        gc.collect()
        settle(0.3)
    viewer.add_image(np.ones((8, 8)))
    settle(0.3)
    deleted = [number for number, (what, _) in enumerate(calls) if what == "delete"]
    assert len(deleted) >= LAYERS
    for number in deleted:
        before = [handle for what, handle in calls[:number] if what == "draw"]
        after = [handle for what, handle in calls[number:] if what == "draw"]
        assert before[-1] != after[0]


def test_delays_are_set_once(viewer: Any) -> None:
    delay_deletions()
    draw = GlirProgram.draw
    delay_deletions()
    assert GlirProgram.draw is draw
