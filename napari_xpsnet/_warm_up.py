"""The call that compiles what fits need."""

import threading

_SMALL = 3
"""Pixels along each side of the map that is fitted for it."""


def warm_up(stopped: threading.Event) -> None:
    """Compile the engine, or load it where an earlier process has kept it; about a minute.

    Parameters
    ----------
    stopped : threading.Event
        Once it is set, what is left is not compiled.
    """
    import xpsnet

    spectrum = xpsnet.sample("spectrum")
    xpsnet.fit(spectrum, device="cpu", cancel=stopped.is_set).load()
    part = xpsnet.sample("map").isel(y=slice(_SMALL), x=slice(_SMALL))
    xpsnet.fit(part, device="cpu", cancel=stopped.is_set).load()
