"""Files, samples and regions: what the region tree shows; no widgets.

A file is one layer of napari, however many regions it holds: the layer shows one of them at a
time. A layer for each region would fill the layer list, and napari needs 0.3 s for each. What a
person does with a region belongs to the region and not to the layer, so that nothing is lost when
another one is shown. A layer that did not come from a file is a file with one region.
"""

import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import xarray as xr

from napari_xpsnet._edit_state import Content, EditState
from napari_xpsnet._layers import (
    DATA,
    ENERGY,
    FILE,
    PINNED,
    UNITS,
    LayerTuple,
    first_pixel,
    has_spectra,
    layer_spectra,
    lend_units,
    pixel_dims,
    place_energy,
    spectra_layer,
    take_back_units,
)
from napari_xpsnet._state import EnergyAxis, Scale

DEFAULT_SCALE: Scale = "binding"
"""Energy scale of spectra whose photon energy is known."""
FILLED = 0.95
"""Share of the canvas that a region fills."""
PART_OF = ("map_of", "curves_of")
"""Keys in the metadata of layers that belong to one region: its maps and its curves."""
HIDDEN = "hidden_with_its_region"
"""Key in the metadata of such a layer: it was visible when another region was shown."""


@dataclass(eq=False)
class Region:
    """Spectra of one region of one sample, and what a person has done with them.

    Attributes
    ----------
    as_read : DataArray
        As the file states them.
    origin : mapping
        Source: {"call": "read" or "sample", "name": ..., "region": ...}.
    axis : EnergyAxis
        The axis that `spectra` are on.
    spectra : DataArray
        The same on this axis.
    state : EditState or None
        Peaks, range and settings; None until the region is shown for the first time.
    key : str
        Unique, for the metadata of its maps and curves.
    shown_maps : list of str
        Variables whose maps are to be shown with the region, from a session.
    """

    as_read: xr.DataArray
    origin: Mapping[str, Any] = field(default_factory=dict)
    axis: EnergyAxis = field(default_factory=EnergyAxis)
    spectra: xr.DataArray = field(init=False)
    state: EditState | None = None
    key: str = field(default_factory=lambda: uuid4().hex)
    file: "RegionFile" = field(init=False, repr=False)
    title: str = field(init=False, default="")
    shown_maps: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.spectra = self.axis.apply(self.as_read)

    @property
    def name(self) -> str:
        """Name of the region, for instance "C 1s"."""
        return str(self.as_read.name or "spectra")

    @property
    def sample(self) -> str:
        """Name of the sample, "" where the file states none."""
        attrs = self.as_read.attrs
        return str(attrs.get("sample") or attrs.get("group") or "").strip()

    @property
    def layer(self) -> Any:
        """The layer that shows this region now, else None."""
        return self.file.layer if self.file.active is self else None

    @property
    def scale(self) -> str:
        """Energy scale of `spectra`."""
        return str(self.spectra.attrs.get("scale", ""))

    @property
    def is_convertible(self) -> bool:
        """Whether the photon energy is known, so that there are both energy scales."""
        return self.axis.photon(self.as_read) is not None

    @property
    def is_fitted(self) -> bool:
        """Whether there are peaks of at least one spectrum."""
        return self.state is not None and self.state.content.has_peaks

    def edit(self) -> EditState:
        """Peaks, range and settings, made when needed."""
        if self.state is None:
            self.state = EditState(first_pixel(self.spectra), Content(axis=self.axis))
        return self.state

    def current(self) -> xr.DataArray:
        """The spectra as they are now, also where the data of the layer were replaced."""
        return self.spectra if self.layer is None else layer_spectra(self.layer)

    def shown_spectrum(self) -> xr.DataArray:
        """The spectrum of the chosen pixel, shape (n,), loaded."""
        pixel = first_pixel(self.spectra) if self.state is None else self.state.pixel
        one: xr.DataArray = self.current().isel(pixel).load().xps.on_corrected_axis()
        return one

    def place(self, axis: EnergyAxis) -> None:
        """Put the spectra on another energy axis, also in the layer that shows them.

        Raises
        ------
        ValueError
            If a conversion needs a photon energy and none is known.
        """
        self.current()
        self.spectra, self.axis = axis.apply(self.as_read), axis
        layer = self.layer
        if layer is not None:
            layer.metadata.update(dataarray=self.spectra, axis=axis)
            place_energy(layer, self.spectra)

    def place_on(self, scale: Scale) -> None:
        """Put the spectra on an energy scale, where the photon energy allows it."""
        axis = self.axis.shown_as(scale, self.as_read)
        # A photon energy below the kinetic energies: shown as stored.
        if axis != self.axis and self.can_be_on(axis):
            self.place(axis)

    def can_be_on(self, axis: EnergyAxis) -> bool:
        """Whether the spectra can be put on an energy axis."""
        try:
            axis.apply(self.as_read)
        except ValueError:
            return False
        return True

    def range_text(self) -> str:
        """First and last energy, in the direction of the plot."""
        energies = self.spectra[ENERGY].values
        low, high = float(np.nanmin(energies)), float(np.nanmax(energies))
        ends = (high, low) if self.scale == "binding" else (low, high)
        return " \N{EN DASH} ".join(f"{round(end, 1):g}" for end in ends)

    def size_text(self) -> str:
        """Number of spectra along each dimension, "" for one spectrum."""
        sizes = [str(self.spectra.sizes[dim]) for dim in pixel_dims(self.spectra)]
        text = " \N{MULTIPLICATION SIGN} ".join(sizes)
        return f"({text} spectra)" if len(sizes) == 1 else text


class RegionFile:
    """Regions that share one layer.

    Parameters
    ----------
    name : str
        Of the file; "" for a layer that came from no file.
    regions : sequence of Region
        At least one; the first one is shown first.

    Attributes
    ----------
    regions : list of Region
        Those of one sample after another.
    active : Region
        The one that the layer shows.
    """

    def __init__(self, name: str, regions: Sequence[Region]) -> None:
        self.name = name
        self.regions = list(regions)
        self.active = self.regions[0]
        self.regions = [region for several in self.samples().values() for region in several]
        self._layer: Any = lambda: None
        for region, title in zip(self.regions, _titles(self.regions), strict=True):
            region.file, region.title = self, title

    @property
    def layer(self) -> Any:
        """The layer of this file, None where it is gone."""
        return self._layer()

    def take_layer(self, layer: Any) -> None:
        """Belong to this layer."""
        self._layer = weakref.ref(layer)
        layer.metadata[FILE] = self

    def samples(self) -> dict[str, list[Region]]:
        """Regions of each sample, in the order of the file."""
        found: dict[str, list[Region]] = {}
        for region in self.regions:
            found.setdefault(region.sample, []).append(region)
        return found

    def add(self, region: Region, after: Region) -> None:
        """Add a region below another one, with a title that no other region has."""
        self.regions.insert(self.regions.index(after) + 1, region)
        region.file = self
        taken = [one.title for one in self.regions if one is not region]
        region.title, number = region.name, 1
        while region.title in taken:
            number += 1
            region.title = f"{region.name} ({number})"

    def remove(self, region: Region) -> None:
        """Remove a region; where it was shown, its neighbor is shown from now on."""
        place = self.regions.index(region)
        self.regions.remove(region)
        if region is self.active and self.regions:
            show_region(self.regions[min(place, len(self.regions) - 1)])


def _titles(regions: Sequence[Region]) -> list[str]:
    """A name for each region that no other one has: with the sample, then with a number."""
    names = [region.name for region in regions]
    titles: list[str] = []
    for region in regions:
        title = region.name
        if region.sample and names.count(title) > 1:
            title = f"{title}, {region.sample}"
        unique, number = title, 1
        while unique in titles:
            number += 1
            unique = f"{title} ({number})"
        titles.append(unique)
    return titles


def make_region(
    as_read: xr.DataArray, origin: Mapping[str, Any], scale: Scale = DEFAULT_SCALE
) -> Region:
    """Region of spectra as they were read, on this energy scale where it is known."""
    region = Region(as_read, origin)
    axis = region.axis.shown_as(scale, as_read)
    if axis != region.axis and region.can_be_on(axis):
        region.spectra, region.axis = axis.apply(as_read), axis
    return region


def file_layer(file: RegionFile) -> LayerTuple:
    """Layer data, keywords and type that show the active region of a file."""
    region = file.active
    data, keywords, kind = spectra_layer(region.spectra, origin=dict(region.origin))
    keywords["metadata"] |= {"as_read": region.as_read, "axis": region.axis, FILE: file}
    keywords["name"] = region.title
    return data, keywords, kind


def file_name(path: str | Sequence[str]) -> str:
    """Name of a file, or of several that belong together."""
    paths = [path] if isinstance(path, str) else list(path)
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{Path(paths[0]).name}{more}"


def file_of(layer: Any) -> RegionFile:
    """The file of a layer of spectra; one with a single region where it came from no file.

    Raises
    ------
    ValueError
        With a sentence for the user, if the layer has no spectra.
    """
    found = layer.metadata.get(FILE)
    if isinstance(found, RegionFile) and found.layer in (None, layer):
        if found.layer is None:
            found.take_layer(layer)
        return found
    # Also a duplicate of a layer, which has the metadata of the first one.
    layer.metadata.pop(FILE, None)
    spectra = layer_spectra(layer)
    layer.metadata.setdefault(DATA, layer.data)
    as_read = layer.metadata.setdefault("as_read", spectra)
    layer.metadata.setdefault("dataarray", spectra)
    axis = layer.metadata.setdefault("axis", EnergyAxis())
    region = Region(as_read, layer.metadata.get("origin", {}), axis)
    region.spectra = spectra
    file = RegionFile("", [region])
    region.title = layer.name
    file.take_layer(layer)
    return file


def files_of(viewer: Any) -> list[RegionFile]:
    """Files of all layers of spectra, in the order of the layer list."""
    return [file_of(layer) for layer in viewer.layers if has_spectra(layer)]


def region_of(layer: Any) -> Region:
    """The region that a layer of spectra shows."""
    return file_of(layer).active


def show_region(region: Region) -> None:
    """Let the layer of its file show this region."""
    file = region.file
    layer = file.layer
    if layer is None or file.active is region:
        return
    file.active.current()
    file.active = region
    data, keywords, _ = file_layer(file)
    # The metadata first: whoever is called because of the new data finds what belongs to them.
    layer.metadata.update(keywords["metadata"])
    layer.data = data
    layer.metadata.pop(UNITS, None)
    for name in ("scale", "translate", "units", "axis_labels", "name"):
        setattr(layer, name, keywords[name])
    layer.reset_contrast_limits_range()
    layer.reset_contrast_limits()


def show_only(viewer: Any, region: Region) -> None:
    """Draw the layer of this region, and its maps and curves, and those of no other region."""
    _share_units(viewer, region)
    for layer in viewer.layers:
        if has_spectra(layer):
            layer.visible = layer is region.layer
            continue
        key = _key_of(layer)
        if key is None:
            continue
        if key == region.key:
            layer.visible = bool(layer.metadata.pop(HIDDEN, layer.visible))
        elif layer.visible:
            layer.metadata[HIDDEN], layer.visible = True, False


def _share_units(viewer: Any, region: Region) -> None:
    """Let all layers of ours agree with the region; before one is shown, which draws all."""
    drawn = region.layer
    take_back_units(drawn)
    for layer in viewer.layers:
        if _key_of(layer) == region.key:
            take_back_units(layer)
        elif layer is not drawn and (
            has_spectra(layer) or _key_of(layer) is not None or PINNED in layer.metadata
        ):
            lend_units(layer, drawn)


def _key_of(layer: Any) -> str | None:
    """Key of the region whose map or curve a layer is."""
    return next((layer.metadata[name] for name in PART_OF if name in layer.metadata), None)


def fit_view(viewer: Any, region: Region) -> None:
    """Fit what is drawn of a region into the canvas; napari counts hidden layers, too."""
    layers = [region.layer, *parts_of(viewer, [region])]
    drawn = [layer for layer in layers if layer is not None and layer.visible]
    dims = viewer.dims
    if not drawn or dims.ndisplay != 2 or list(dims.order) != sorted(dims.order):
        viewer.reset_view()
        return
    # The world of a pixel is its middle.
    ends = np.array([layer.extent.world[:, -2:] for layer in drawn])
    steps = np.array([np.abs(layer.extent.step[-2:]) for layer in drawn])
    low = (ends[:, 0] - 0.5 * steps).min(axis=0)
    high = (ends[:, 1] + 0.5 * steps).max(axis=0)
    camera = viewer.scene.camera
    camera.center = tuple(0.5 * (low + high))
    camera.zoom = FILLED * float(np.min(np.array(viewer.canvas.size) / (high - low)))


def parts_of(viewer: Any, regions: Iterable[Region]) -> list[Any]:
    """Maps and curves of these regions."""
    keys = {region.key for region in regions}
    return [
        layer
        for layer in viewer.layers
        if any(layer.metadata.get(name) in keys for name in PART_OF)
    ]
