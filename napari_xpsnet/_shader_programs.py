"""Delays the deletion of vispy's shader programs, which otherwise can end napari.

Mesa, the OpenGL of virtual machines and remote desktops, takes the vertex shader of the current
program away when another program is deleted, and sets one again only when the program changes
(seen with llvmpipe of Mesa 22.3). If the next drawing has the same program as the last one,
`glDrawArrays` reads address 0. In napari 0.9.2 with vispy 0.17 that happens without this plugin as
well: images that are added, removed and added again. Maps of a fit are such layers, so that
programs are deleted here only between the drawing of two different programs.
"""

from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary


@dataclass
class _Programs:
    """Programs of one OpenGL context: the one that was drawn last, and those to delete."""

    last: int = 0  # unknown
    waiting: list[int] = field(default_factory=list)


def delay_deletions() -> None:
    """Change vispy in this process; called again it does nothing."""
    from vispy.gloo import gl
    from vispy.gloo.glir import GlirProgram

    if hasattr(GlirProgram, "xpsnet_delays"):
        return
    draw = GlirProgram.draw
    contexts: WeakKeyDictionary[Any, _Programs] = WeakKeyDictionary()

    def delete_later(program: Any) -> None:
        contexts.setdefault(program._parser, _Programs()).waiting.append(program.handle)

    def draw_after_deletions(program: Any, *values: Any, **keywords: Any) -> None:
        known = contexts.setdefault(program._parser, _Programs())
        if known.waiting and known.last not in (0, program.handle):
            for handle in known.waiting:
                gl.glDeleteProgram(handle)
            known.waiting.clear()
        known.last = program.handle
        draw(program, *values, **keywords)

    GlirProgram.delete, GlirProgram.draw = delete_later, draw_after_deletions
    GlirProgram.xpsnet_delays = True
