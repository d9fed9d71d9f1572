"""Compiles what fits need: run in a process of its own, whose results are kept on disk.

A process, because compiling in a thread of napari takes the interpreter from the window for
seconds to a minute, cannot be stopped, and ends the process with an error where napari is closed
meanwhile.
"""

import sys

FIRST = "first"
"""Line that is printed once the first answer has all that it needs."""
_SMALL = 3
"""Pixels along each side of the map that is fitted for it."""


def warm_up() -> None:
    """Compile the engine, or load it where an earlier process has kept it."""
    import xpsnet

    xpsnet.fit(xpsnet.sample("spectrum"), device="cpu").load()
    part = xpsnet.sample("map").isel(y=slice(_SMALL), x=slice(_SMALL))
    xpsnet.fit(part, device="cpu").load()


def warm_up_first() -> None:
    """The same for the first answer, which needs little of it."""
    import xpsnet
    from napari_xpsnet._first_answer import first_answer
    from napari_xpsnet._state import FitState

    spectrum = xpsnet.sample("spectrum")
    peaks = first_answer("fit", spectrum, FitState().keywords(), lambda *_: None, lambda: False)
    xpsnet.curves(peaks)
    xpsnet.residual(spectrum, peaks)


def main() -> None:
    """Compile both, the first answer first."""
    warm_up_first()
    sys.stdout.write(f"{FIRST}\n")
    sys.stdout.flush()
    warm_up()
