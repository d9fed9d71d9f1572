"""The three simulated samples of File > Open Sample > XPSNet."""

from napari_xpsnet._layers import LayerTuple, spectra_layer


def _sample(name: str) -> list[LayerTuple]:
    """One sample of `xpsnet.sample` as a layer."""
    import xpsnet

    return [spectra_layer(xpsnet.sample(name), origin={"call": "sample", "name": name})]


def spectrum() -> list[LayerTuple]:
    """Layer with one C 1s spectrum of three states."""
    return _sample("spectrum")


def line_scan() -> list[LayerTuple]:
    """Layer with Si 2p spectra along a line."""
    return _sample("line_scan")


def spectrum_map() -> list[LayerTuple]:
    """Layer with a map of 64 x 64 C 1s spectra."""
    return _sample("map")
