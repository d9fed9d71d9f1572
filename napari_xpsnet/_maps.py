"""Fitted parameters of all pixels as image layers; no Qt."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import xarray as xr

from napari_xpsnet._layers import (
    ENERGY,
    LayerTuple,
    Transform,
    fitted_dim,
    layer_dims,
    layer_spectra,
    peak_name,
)
from napari_xpsnet._regions import region_of

VARIABLES = ("area", "center", "fwhm", "height", "n_peaks", "status")
MAP_CHOICES = (*VARIABLES, "all")
"""One parameter of all peaks, or all parameters; napari needs 0.2 s for each layer."""
COLORMAPS = {
    "area": "inferno",
    "height": "inferno",
    "center": "viridis",
    "fwhm": "magma",
    "n_peaks": "viridis",
    "status": "turbo",
}
LINKED = ("area", "height", "fwhm")
"""Quantities that are compared between peaks: their maps have the same contrast limits."""
COMPOSITION = "atomic_percent"
"""Variable of the maps of a quantification, which belong to several fits and stay."""
NAN_COLOR = "#808080"
"""Pixels without a value; in none of the colormaps, and opaque: nothing shines through."""
STRIP_SHARE = 0.06
"""Width of a map beside a line scan, as a share of its energy axis."""


def show_maps(viewer: Any, layer: Any, peaks: xr.Dataset, choice: str | None = None) -> None:
    """Show maps of a fit in place of those of an earlier fit of the same layer.

    A map that exists already keeps its place, visibility and colormap, so that two fits can be
    compared. A map that the new fit does not have is removed. Of new maps the first is visible,
    and no other map of these spectra: two quantities in one picture mean nothing.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    layer : napari.layers.Image
        The layer of spectra.
    peaks : Dataset
        Over all pixels of the layer.
    choice : str, optional
        One of `MAP_CHOICES`, shown in addition to the existing maps.
    """
    from napari.layers import Image

    shown = [one for one in maps_of(viewer, layer) if one.metadata["variable"] != COMPOSITION]
    old = {one.metadata["map"]: one for one in shown}
    variables = {one.metadata["variable"] for one in old.values()}
    variables |= set(VARIABLES if choice == "all" else [choice] if choice else [])
    selected = set(viewer.layers.selection)
    seen = False
    for data, keywords, _ in map_layers(peaks, layer, variables):
        known = old.pop(keywords["metadata"]["map"], None)
        if known is None:
            if not seen:
                _hide_maps(viewer, layer)
            fresh = Image(data, **keywords, visible=not seen)
            fresh.colorbar.visible = True
            viewer.layers.insert(_place(viewer, layer), fresh)
            seen = True
            continue
        known.data = data
        known.reset_contrast_limits_range()
        known.contrast_limits = keywords["contrast_limits"]
        known.scale, known.translate = keywords["scale"], keywords["translate"]
    for gone in old.values():
        viewer.layers.remove(gone)
    if seen:
        _link_limits(viewer, layer)
    viewer.layers.selection = {one for one in selected if one in viewer.layers}


def _hide_maps(viewer: Any, layer: Any) -> None:
    """Hide the maps of a layer of spectra."""
    for one in maps_of(viewer, layer):
        one.visible = False


def _link_limits(viewer: Any, layer: Any) -> None:
    """Let the maps of a quantity have the same contrast limits, also after one is changed."""
    for variable in LINKED:
        same = [one for one in maps_of(viewer, layer) if one.metadata["variable"] == variable]
        if len(same) > 1:
            viewer.layers.link_layers(same, ("contrast_limits",))


def _place(viewer: Any, layer: Any) -> int:
    """Index directly above the spectra, below the earlier maps."""
    return int(viewer.layers.index(layer)) + 1


def maps_of(viewer: Any, layer: Any) -> list[Any]:
    """Maps of a layer of spectra."""
    key = region_of(layer).key
    return [one for one in viewer.layers if one.metadata.get("map_of") == key]


def remove_maps(viewer: Any, layer: Any) -> None:
    """Remove the maps of a layer of spectra."""
    for one in maps_of(viewer, layer):
        viewer.layers.remove(one)


def map_layers(peaks: xr.Dataset, layer: Any, variables: Iterable[str]) -> list[LayerTuple]:
    """Image layers of fitted parameters for the pixels of a layer of spectra.

    Scale, translation, units and axis labels are those of the spectra. If energy is a canvas axis
    (line scans), a map is a strip beside the spectra. A parameter without values is left out.

    Parameters
    ----------
    peaks : Dataset
        Over all pixels of the layer.
    layer : napari.layers.Image
        The fitted layer of spectra.
    variables : iterable of str
        Some of `VARIABLES`.
    """
    spectra = layer_spectra(layer)
    found = []
    for name, variable, values in _maps(peaks, set(variables)):
        data, keywords = placed(values, layer, spectra)
        units = str(values.attrs.get("units", "")).removeprefix("1")
        keywords["name"] = f"{layer.name}: {name}" + (f" [{units}]" if units else "")
        keywords["colormap"] = colormap(COLORMAPS[variable])
        keywords["metadata"] = {"map_of": region_of(layer).key, "map": name, "variable": variable}
        whole = peaks[variable].values if variable in LINKED else data
        keywords["contrast_limits"] = _limits(whole, variable)
        found.append((data, keywords, "image"))
    return found


def colormap(name: str) -> Any:
    """A colormap of napari in which pixels without a value are gray and opaque."""
    from napari.utils.colormaps import ensure_colormap

    known = ensure_colormap(name)
    return known.model_copy(update={"nan_color": np.array(_rgba(NAN_COLOR), dtype=np.float32)})


def _rgba(color: str) -> list[float]:
    """Shares of red, green, blue and opacity of a hexadecimal color."""
    return [*(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)), 1.0]


def _maps(peaks: xr.Dataset, variables: set[str]) -> Iterator[tuple[str, str, xr.DataArray]]:
    """Name, variable and values of each map that has values."""
    for variable in (name for name in VARIABLES if name in variables and name in peaks):
        if "peak" not in peaks[variable].dims:
            yield variable, variable, peaks[variable]
            continue
        for index in range(peaks.sizes["peak"]):
            values = peaks[variable].isel(peak=index)
            if np.isfinite(values.values).any():
                yield f"{variable}, {peak_name(peaks, index)}", variable, values


def parameters(peaks: xr.Dataset) -> list[tuple[str, xr.DataArray]]:
    """Names and values over the pixels of all parameters that have values."""
    return [(name, values) for name, _, values in _maps(peaks, set(VARIABLES))]


def placed(
    values: xr.DataArray, layer: Any, spectra: xr.DataArray
) -> tuple[np.ndarray, dict[str, Any]]:
    """Data and layer keywords of values over pixels, on the axes of the layer of spectra."""
    dims = layer_dims(layer)
    axes = [Transform(float(s), float(t), str(u)) for s, t, u in _layer_axes(layer, len(dims))]
    energy_axis = dims.index(ENERGY)
    order = [fitted_dim(dim, values) for dim in dims if dim in spectra.dims and dim != ENERGY]
    data = values.transpose(*order).values
    if data.dtype.kind != "f":
        data = data.astype(np.float32)
    if energy_axis == 0:
        dims, axes = dims[1:], axes[1:]
    else:
        data = data.reshape([1 if d == ENERGY else spectra.sizes.get(d, 1) for d in dims])
        span = axes[energy_axis].scale * spectra.sizes[ENERGY]
        width = STRIP_SHARE * span
        start = axes[energy_axis].translate + span + 0.75 * width
        axes[energy_axis] = Transform(width, start, axes[energy_axis].units)
    keywords = {
        "scale": tuple(a.scale for a in axes),
        "translate": tuple(a.translate for a in axes),
        "units": tuple(a.units for a in axes),
        "axis_labels": dims,
    }
    return data, keywords


def _layer_axes(layer: Any, ndim: int) -> Iterator[tuple[Any, Any, Any]]:
    """Scale, translation and units of the last axes of a layer."""
    return zip(layer.scale[-ndim:], layer.translate[-ndim:], layer.units[-ndim:], strict=True)


def _limits(data: np.ndarray, variable: str) -> tuple[float, float]:
    """Contrast limits: from 0 for counts and codes, else from the 1 % to the 99 % percentile."""
    finite = data[np.isfinite(data)]
    if variable in ("n_peaks", "status"):
        return 0.0, max(float(finite.max(initial=0.0)), 1.0)
    low, high = (float(v) for v in np.percentile(finite, (1, 99)))
    return (low, high) if high > low else (low - 0.5, high + 0.5)
