"""One fitted spectrum as napari layers beside its spectra.

napari has no line plot: in eV and counts the lines would be distorted. The layers use plot
coordinates, `WIDTH` by `HEIGHT`, and an energy axis of their own. They are in the same window: two
windows share the letters of their texts in OpenGL, and with software OpenGL this crashes.
"""

from typing import Any

import numpy as np
import xarray as xr

from napari_xpsnet._colors import envelope_color, peak_color
from napari_xpsnet._layers import (
    ENERGY,
    LayerTuple,
    first_line,
    layer_dims,
    layer_spectra,
    peak_name,
)
from napari_xpsnet._regions import region_of

WIDTH, HEIGHT = 600.0, 350.0
AXIS_GAP, MARGIN = 40.0, 30.0
LABELS = 140.0
"""Height of the texts below the axis and of the gap below them."""
CURVES_OF = "curves_of"
"""Key in the metadata of a curve layer: its layer of spectra."""
SMOOTH = 200
"""Least number of points of a drawn curve."""
TICKS = 7
"""Approximate number of ticks of the energy axis."""


class _Frame:
    """Converts eV and counts to plot coordinates (row, column); binding energy to the left."""

    def __init__(self, spectrum: xr.DataArray, values: np.ndarray) -> None:
        energies = spectrum[ENERGY].values
        self.ends = float(energies.min()), float(energies.max())
        self.low, self.high = float(np.nanmin(values)), float(np.nanmax(values))
        self.leftward = spectrum.attrs.get("scale") == "binding"

    def column(self, energy: Any) -> Any:
        """Plot column of an energy."""
        share = (np.asarray(energy) - self.ends[0]) / (self.ends[1] - self.ends[0])
        return WIDTH * (1 - share if self.leftward else share)

    def points(self, energy: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Rows and columns, shape (n, 2), of a curve."""
        span = (self.high - self.low) or 1.0
        rows = HEIGHT * (1 - (counts - self.low) / span)
        return np.column_stack([rows, self.column(energy)])


def curve_layers(
    spectrum: xr.DataArray, peaks: xr.Dataset, *, foreground: str = "white", dark: bool = True
) -> list[LayerTuple]:
    """Layers for fills, lines, measured points and axis, from the lowest to the highest.

    Parameters
    ----------
    spectrum : DataArray, shape (n,)
    peaks : Dataset
        Dimension `peak` only.
    foreground : str
        Color of points and axis.
    dark : bool
        Whether the background is dark.
    """
    import xpsnet

    fitted = peaks[ENERGY].values
    energy = np.linspace(fitted[0], fitted[-1], max(fitted.size, SMOOTH))
    curves = xpsnet.curves(peaks, energy)
    background, envelope = curves["background"].values, curves["envelope"].values
    frame = _Frame(spectrum, np.concatenate([spectrum.values, envelope, background]))
    base = frame.points(energy, background)
    fills, lines = [], []
    for index in np.flatnonzero(np.isfinite(peaks["center"].values)):
        component = curves["component"].isel(peak=int(index)).values
        name = f"{peak_name(peaks, int(index))}  {float(peaks['center'][index]):.2f} eV"
        top = frame.points(energy, background + component)
        color = peak_color(first_line(peaks, int(index)))
        fills.append(_fill(top, base, color, name))
        lines.append(_line(top, color, f"{name} line"))
    return [
        *fills,
        _line(base, "#909090", "background"),
        *lines,
        _line(frame.points(energy, envelope), envelope_color(dark=dark), "envelope"),
        _measured(frame, spectrum, foreground),
        *_axis(frame, spectrum, foreground),
    ]


def _fill(top: np.ndarray, base: np.ndarray, color: str, name: str) -> LayerTuple:
    """Area between a component and the background, as a polygon."""
    keywords = {
        "name": name,
        "shape_type": "polygon",
        "face_color": color,
        "edge_color": "transparent",
        "edge_width": 0.0,
        "opacity": 0.45,
    }
    return [np.vstack([top, base[::-1]])], keywords, "shapes"


def _line(points: np.ndarray, color: str, name: str) -> LayerTuple:
    """One curve."""
    keywords = {
        "name": name,
        "shape_type": "path",
        "edge_color": color,
        "face_color": "transparent",
        "edge_width": 1.6,
    }
    return [points], keywords, "shapes"


def _measured(frame: _Frame, spectrum: xr.DataArray, color: str) -> LayerTuple:
    """Measured points, the missing ones left out."""
    counts = np.asarray(spectrum.values, dtype=float)
    finite = np.isfinite(counts)
    points = frame.points(spectrum[ENERGY].values[finite], counts[finite])
    keywords = {
        "name": "measured",
        "size": 2.5,
        "face_color": color,
        "border_width": 0.0,
        "features": {"energy": spectrum[ENERGY].values[finite], "counts": counts[finite]},
    }
    return points, keywords, "points"


def _axis(frame: _Frame, spectrum: xr.DataArray, color: str) -> list[LayerTuple]:
    """Energy axis with ticks and numbers."""
    row = HEIGHT + AXIS_GAP
    ticks = tick_values(*frame.ends)
    lines = [np.array([[row, 0.0], [row, WIDTH]])]
    lines += [np.array([[row, c], [row + 6, c]]) for c in frame.column(ticks)]
    shapes = {
        "name": "axis",
        "shape_type": "path",
        "edge_color": color,
        "face_color": "transparent",
        "edge_width": 2.0,
    }
    title = f"{str(spectrum.attrs.get('scale', '')).capitalize()} energy (eV)".strip()
    # The size of texts does not follow the zoom: in a low canvas every number would touch the next.
    numbers = ticks[::2]
    places = [[row + 18, column] for column in frame.column(numbers)] + [[row + 64, WIDTH / 2]]
    # Points without text at the edges, so that the view has room for the first and last number.
    places += [[row + 84, -MARGIN], [row + 84, WIDTH + MARGIN]]
    text = {
        "string": "{text}",
        "color": color,
        "size": 11,
        "anchor": "center",
    }
    labels = {
        "name": "axis labels",
        "features": {"text": [*(f"{tick:g}" for tick in numbers), title, "", ""]},
        "text": text,
        "size": 1,
        "face_color": "transparent",
        "border_color": "transparent",
    }
    return [(lines, shapes, "shapes"), (np.array(places), labels, "points")]


def tick_values(low: float, high: float) -> np.ndarray:
    """Round energies between two ends, spaced by 1, 2 or 5 times a power of ten."""
    rough = (high - low) / TICKS
    power = 10.0 ** np.floor(np.log10(rough))
    step = min((m * power for m in (1, 2, 5, 10)), key=lambda one: abs(one - rough))
    first = np.ceil(low / step - 1e-9)
    last = np.floor(high / step + 1e-9)
    return np.asarray(np.round(np.arange(first, last + 1) * step, 6))


def place_beside(layers: list[LayerTuple], layer: Any) -> list[LayerTuple]:
    """Put curve layers beside the spectra that they belong to, on the axes of these.

    Where energy is the horizontal axis of the canvas, the curves stand above the picture and have
    the same energies; else they stand at the right of the map, as wide as it.

    Parameters
    ----------
    layers : list
        From `curve_layers`.
    layer : napari.layers.Image
        The layer of spectra.
    """
    spectra, dims = layer_spectra(layer), layer_dims(layer)
    (row, row_step), (column, column_step) = _corner(layer, spectra, dims)
    placed = []
    for data, keywords, kind in layers:
        place = {
            "scale": (row_step, column_step),
            "translate": (row, column),
            "units": tuple(layer.units[-2:]),
            "axis_labels": dims[-2:],
            "metadata": {CURVES_OF: region_of(layer).key},
        }
        placed.append((data, keywords | place, kind))
    return placed


def _corner(
    layer: Any, spectra: xr.DataArray, dims: tuple[str, ...]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """World coordinate and step of the rows and of the columns of the plot."""
    (top, _), (left, right) = np.asarray(layer.extent.world).T[-2:]
    if dims[-1] != ENERGY:
        step = (right - left) / WIDTH
        return (float(top), float(step)), (float(right + MARGIN * step), float(step))
    energies = spectra[ENERGY].values
    low, high = float(energies.min()), float(energies.max())
    step = (high - low) / WIDTH
    # The canvas draws binding energy to the left, as the plot does.
    columns = (high, -step) if spectra.attrs.get("scale") == "binding" else (low, step)
    return (float(top) - step * (HEIGHT + AXIS_GAP + LABELS), step), columns


def show_curves(viewer: Any, layers: list[LayerTuple]) -> None:
    """Add curve layers to a viewer in place of earlier ones."""
    from napari.layers import Layer

    selected = set(viewer.layers.selection)
    remove_curves(viewer)
    for data, keywords, kind in layers:
        viewer.add_layer(Layer.create(data, keywords, kind))
    viewer.layers.selection = {one for one in selected if one in viewer.layers}


def remove_curves(viewer: Any, layer: Any = None) -> None:
    """Remove curve layers, all of them or those of one layer of spectra."""
    for one in list(viewer.layers):
        key = one.metadata.get(CURVES_OF)
        if key is not None and (layer is None or key == region_of(layer).key):
            viewer.layers.remove(one)
