"""Conversion of spectra and peaks to layer data and metadata and back, without Qt.

Energy is the first axis of a layer of spectra: the canvas shows the map and the slider is energy.
A single spectrum is one row. The layer holds a view of the counts, not a copy. Its metadata hold
the DataArray with the exact energies; the scale of the layer is only their mean step.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pint
import xarray as xr

ENERGY = "energy"
PLAIN_IMAGE = (
    'The layer "{name}" is an image without an energy axis, so it has no spectra to fit. '
    "Open spectra with File > Open or File > IO Utilities > Open XPS spectra..., or add an "
    'xarray.DataArray with a dimension "energy" in Python: viewer.add_image(spectra).'
)
PICTURE_HEIGHT, ROW_HEIGHT = 0.6, 0.1
"""Height of a line scan and of a single spectrum, as shares of their energy axis."""

DATA, FILE = "data_of_spectra", "file"
"""Keys in the metadata of a layer: the data that its spectra were shown as, and its file."""
OTHER_SHAPE = (
    'The data of the layer "{name}" have now the shape {now}; its energies belong to {then}. Add '
    "changed spectra as a new layer: viewer.add_image(spectra), an xarray.DataArray with its own "
    '"energy".'
)

MICROMETERS = "\N{MICRO SIGN}m"
LayerTuple = tuple[Any, dict[str, Any], str]


@dataclass(frozen=True)
class Transform:
    """World coordinates of the indices of one axis."""

    scale: float
    translate: float
    units: str

    def index(self, world: float) -> int:
        """Nearest index of a world coordinate; may lie outside the axis."""
        return round((world - self.translate) / self.scale)

    def world(self, index: int) -> float:
        """World coordinate of an index."""
        return self.translate + index * self.scale


def axis_transform(spectra: xr.DataArray, dim: str) -> Transform:
    """Mean step, first value and units of one dimension; pixels where it has no numbers.

    The step is (last - first) / (n - 1). The first step of an axis with rounded values, repeated,
    would be wrong by several points at the end.
    """
    nothing = Transform(1.0, 0.0, "pixel")
    if dim not in spectra.coords or spectra[dim].dtype.kind not in "iuf":
        return nothing
    values = np.asarray(spectra[dim].values, dtype=float)
    if values.size == 0 or not np.isfinite(values[[0, -1]]).all():
        return nothing
    step = (values[-1] - values[0]) / (values.size - 1) if values.size > 1 else 1.0
    return Transform(float(step) or 1.0, float(values[0]), _known_units(spectra[dim], dim))


def _known_units(coordinate: xr.DataArray, dim: str) -> str:
    """Units if napari accepts them, else pixel."""
    units = str(coordinate.attrs.get("units", "eV" if dim == ENERGY else "pixel"))
    try:
        pint.get_application_registry().Unit(units)
    except (ValueError, TypeError, AttributeError, pint.PintError):
        return "pixel"
    return units or "pixel"


def spectra_layer(spectra: xr.DataArray, *, origin: dict[str, Any] | None = None) -> LayerTuple:
    """Layer data, keywords and type for spectra with dimension `energy`.

    Parameters
    ----------
    spectra : DataArray, shape (..., n)
        Any dimensions; `energy` may be any of them.
    origin : dict, optional
        Source of the spectra: {"call": "read" or "sample", "name": ..., "region": ...}.
    """
    order = (ENERGY, *(dim for dim in spectra.dims if dim != ENERGY))
    arranged = spectra.transpose(*order)
    dims = tuple(str(dim) for dim in order)
    if spectra.ndim == 1:
        arranged, dims = spectra.expand_dims("spectrum"), ("spectrum", ENERGY)
    elif spectra.ndim == 2:
        # A line scan: positions are the rows of the canvas, energies the columns.
        arranged, dims = arranged.transpose(), dims[::-1]
    transforms = [axis_transform(spectra, dim) for dim in dims]
    if spectra.ndim <= 2:
        transforms[0] = _picture_rows(spectra)
    metadata = {
        "dataarray": spectra,
        "as_read": spectra,
        "dims": dims,
        "origin": origin or {},
        DATA: arranged.data,
    }
    keywords = {
        "name": str(spectra.name or "spectra"),
        "scale": tuple(t.scale for t in transforms),
        "translate": tuple(t.translate for t in transforms),
        "units": tuple(t.units for t in transforms),
        "axis_labels": dims,
        "metadata": metadata,
        "colormap": "inferno",
    }
    return metadata[DATA], keywords, "image"


def _picture_rows(spectra: xr.DataArray) -> Transform:
    """Rows of a picture whose columns are energies.

    Micrometers and eV have no common scale: most line scans would be a thin line. The rows fill a
    picture of fixed proportions; their positions are in the DataArray.
    """
    rows = spectra.size // spectra.sizes[ENERGY]
    width = abs(axis_transform(spectra, ENERGY).scale) * spectra.sizes[ENERGY]
    share = PICTURE_HEIGHT if spectra.ndim == 2 else ROW_HEIGHT
    return Transform(share * width / rows, 0.0, "pixel")


def layer_spectra(layer: Any) -> xr.DataArray:
    """Spectra of a layer, as its data are now.

    Raises
    ------
    ValueError
        With a sentence for the user, if there is no layer or no energy axis.
    """
    if layer is None:
        raise ValueError(
            "There is no layer of spectra yet. Open a file (File > Open, or File > IO Utilities > "
            "Open XPS spectra...) or a sample (File > Open Sample > XPSNet)."
        )
    take_data(layer.data, layer.metadata, layer.name)
    for spectra in (layer.metadata.get("dataarray"), layer.data):
        if isinstance(spectra, xr.DataArray) and {ENERGY} <= {*spectra.dims} & {*spectra.coords}:
            return spectra
    raise ValueError(PLAIN_IMAGE.format(name=layer.name))


def take_data(data: Any, metadata: dict[str, Any], name: str) -> None:
    """Bring the spectra of a layer to data that somebody has put in place of those of the file.

    Parameters
    ----------
    data
        Of the layer.
    metadata : dict
        Of the layer; gets the new spectra.
    name : str
        Of the layer.

    Raises
    ------
    ValueError
        If the data have another shape, so that no energies are known for them.
    """
    spectra, before = metadata.get("dataarray"), metadata.get(DATA)
    if data is before or before is None:
        return
    if isinstance(data, xr.DataArray) and ENERGY in data.dims and "dims" not in metadata:
        metadata |= {"as_read": data, "dataarray": metadata["axis"].apply(data)}
    elif isinstance(spectra, xr.DataArray):
        dims = metadata.get("dims", spectra.dims)
        if data.shape != before.shape:
            then = tuple(before.shape)
            raise ValueError(OTHER_SHAPE.format(name=name, now=tuple(data.shape), then=then))
        bare = data.data if isinstance(data, xr.DataArray) else data
        values = xr.DataArray(bare, dims=dims).isel({d: 0 for d in dims if d not in spectra.dims})
        for key in ("dataarray", "as_read"):
            metadata[key] = metadata[key].copy(data=values.transpose(*spectra.dims).data)
    metadata[DATA] = data
    if FILE in metadata:
        shown = metadata[FILE].active
        shown.as_read, shown.spectra = metadata["as_read"], metadata["dataarray"]


def place_energy(layer: Any, spectra: xr.DataArray) -> None:
    """Move a layer to its new energies."""
    dims = layer_dims(layer)
    axis = dims.index(ENERGY) - len(dims)
    transform = axis_transform(spectra, ENERGY)
    scale, translate = np.array(layer.scale), np.array(layer.translate)
    scale[axis], translate[axis] = transform.scale, transform.translate
    layer.scale, layer.translate = scale, translate


def has_spectra(layer: Any) -> bool:
    """Whether a layer has spectra to fit."""
    try:
        layer_spectra(layer)
    except ValueError:
        return False
    return True


def layer_dims(layer: Any) -> tuple[str, ...]:
    """Name of each axis of a layer of spectra."""
    if isinstance(layer.data, xr.DataArray):
        return tuple(str(dim) for dim in layer.data.dims)
    return tuple(layer.metadata.get("dims", layer.axis_labels))


def pixel_dims(spectra: xr.DataArray) -> tuple[str, ...]:
    """Dimensions other than energy."""
    return tuple(str(dim) for dim in spectra.dims if dim != ENERGY)


def pixel_at(layer: Any, position: Any) -> dict[str, int] | None:
    """Index along each dimension except energy at a world position; None outside."""
    spectra = layer_spectra(layer)
    dims = layer_dims(layer)
    indices = np.round(layer.world_to_data(position)[-len(dims) :]).astype(int)
    found = dict(zip(dims, (int(i) for i in indices), strict=True))
    sizes: dict[Hashable, int] = {"spectrum": 1, **spectra.sizes}
    if any(not 0 <= index < sizes.get(dim, 1) for dim, index in found.items()):
        return None
    return {dim: index for dim, index in found.items() if dim in pixel_dims(spectra)}


def is_on_axis(peaks: xr.Dataset, spectra: xr.DataArray) -> bool:
    """Whether the axis of peaks of one spectrum is a part of the axis of these spectra."""
    theirs, ours = peaks[ENERGY].values, spectra[ENERGY].values
    if peaks.attrs.get("scale") != spectra.attrs.get("scale") or peaks["center"].ndim != 1:
        return False
    step = abs(ours[-1] - ours[0]) / max(ours.size - 1, 1)
    nearest = np.abs(theirs[:, None] - ours[None, :]).min(axis=1)
    return bool((nearest < 0.01 * step).all())


def fitted_dim(dim: str, peaks: xr.Dataset | xr.DataArray) -> str:
    """Name of a dimension of spectra in their peaks, where it may have the prefix "spectra_"."""
    reserved = dim in ("peak", "count", "choice") or dim not in peaks.dims
    return f"spectra_{dim}" if reserved else dim


def first_pixel(spectra: xr.DataArray) -> dict[str, int]:
    """Pixel that is shown first: the one in the middle."""
    return {dim: spectra.sizes[dim] // 2 for dim in pixel_dims(spectra)}


def units_text(values: xr.DataArray) -> str:
    """Units of a coordinate for people."""
    units = str(values.attrs.get("units", ""))
    return MICROMETERS if units == "um" else units


def pixel_text(pixel: dict[str, int], spectra: xr.DataArray) -> str:
    """Text for a pixel: its indices, and its position if the axes have coordinates."""
    if not pixel:
        return ""
    places = []
    for dim, index in pixel.items():
        if dim in spectra.coords and spectra[dim].dtype.kind in "iuf":
            units = units_text(spectra[dim])
            places.append(f"{float(spectra[dim].values[index]):g} {units}".strip())
    text = "pixel " + " ".join(f"{dim}={index}" for dim, index in pixel.items())
    return f"{text} ({', '.join(places)})" if places else text


def spectrum_title(layer: Any, pixel: dict[str, int]) -> str:
    """Name of one spectrum of a layer, the pixel first: a narrow window cuts the end."""
    text = pixel_text(pixel, layer_spectra(layer)).removeprefix("pixel ")
    indices, _, places = text.partition(" (")
    whole = f"{indices} of {layer.name}" if indices else str(layer.name)
    return f"{whole} ({places}" if places else whole


def peak_name(peaks: xr.Dataset, index: int) -> str:
    """Label of the peak, else its number from 1.

    Labels that only number the places of followed peaks are none where states are counted.
    """
    label = str(peaks["label"].values[index]) if "label" in peaks.variables else ""
    numbered = "state" in peaks and label == f"state {index + 1}"
    return label if label and label != "nan" and not numbered else f"peak {index + 1}"


def first_line(peaks: xr.Dataset, index: int) -> int:
    """Index of a peak of one spectrum, or of the first line of the doublet that it belongs to."""
    partner = int(peaks["partner"].values[index]) if "partner" in peaks else 0
    return min(index, partner - 1) if partner > 0 else index
