"""The state of the window as a session of the library, and back; no widgets.

What can be computed again (curves, maps) is not kept, only that it was shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import xarray as xr

from napari_xpsnet._charge import Charge
from napari_xpsnet._edit_state import Content, EditState, Shown
from napari_xpsnet._layers import LayerTuple, first_pixel
from napari_xpsnet._regions import Region, RegionFile, file_layer
from napari_xpsnet._results import is_complete
from napari_xpsnet._state import EnergyAxis, FitState

if TYPE_CHECKING:
    import xpsnet

Place = list[Any]
"""A region in a session: number of its file, and its title, which no other one in it has."""
VIEW = "session_view"
"""Key in the metadata of the last layer of a session: what the window shows."""
SHOWN_MAPS = "maps"


def make_session(
    files: Sequence[RegionFile],
    view: Mapping[str, Any],
    maps: Mapping[str, list[str]],
) -> "tuple[xpsnet.Session, list[str]]":
    """The session that these files and this view are.

    Parameters
    ----------
    files : sequence of RegionFile
    view : mapping
        What the window shows, of plain values.
    maps : mapping of str to list of str
        Variables whose maps are shown, by the key of the region.

    Returns
    -------
    session : Session
    left : list of str
        Names of regions that cannot be kept: their energy scale is unknown.
    """
    import xpsnet

    kept: list[xpsnet.SessionRegion] = []
    described, left = [], []
    for file in files:
        numbers: list[int] = []
        active = 0
        for region in file.regions:
            try:
                one = session_region(region, maps.get(region.key, []))
            except (ValueError, TypeError):
                left.append(region.title)
                continue
            if region is file.active:
                active = len(numbers)
            numbers.append(len(kept))
            kept.append(one)
        if numbers:
            described.append({"name": file.name, "regions": numbers, "active": active})
    return xpsnet.Session(kept, view={**view, "files": described}), left


def place_of(region: Region, files: Sequence[RegionFile]) -> Place:
    """Where a region is."""
    return [files.index(region.file), region.title]


def region_at(place: Sequence[Any], files: Sequence[RegionFile]) -> Region | None:
    """The region at a place; None where there is none any more."""
    number, title = place
    if not isinstance(number, int) or not 0 <= number < len(files):
        return None
    return next((one for one in files[number].regions if one.title == title), None)


def session_region(region: Region, maps: list[str]) -> "xpsnet.SessionRegion":
    """One region with everything that was done with it."""
    import xpsnet

    # A region that was never shown has no state, and gets none by being saved.
    state = region.state or EditState(first_pixel(region.spectra), Content(axis=region.axis))
    content = state.content
    settings: dict[str, Any] = {
        "opened": region.state is not None,
        "axis": _axis_values(content.axis),
        "pixel": dict(state.pixel),
        "shown": asdict(state.shown),
        "selected": state.selected,
        SHOWN_MAPS: maps,
    }
    settings["form"] = _form_values(state.settings or FitState(pixel={}))
    whole = content.whole
    if content.made is not None and whole is not None and is_complete(whole):
        settings["fit"] = {
            "function": content.made.function,
            "keywords": _plain(content.made.keywords()),
        }
    return xpsnet.SessionRegion(
        _described(region, content.axis),
        name=region.title,
        steps=_steps(content.axis),
        energy_range=content.energy_range,
        peaks=content.whole,
        single=[(dict(key), peaks) for key, peaks in content.single.items()],
        origin=_plain(dict(region.origin)),
        settings=settings,
    )


def _described(region: Region, axis: EnergyAxis) -> xr.DataArray:
    """Spectra as they were read, with the attributes that the user has given."""
    given = {"scale": axis.scale, "photon_energy": axis.photon_energy}
    return region.as_read.assign_attrs({k: v for k, v in given.items() if v is not None})


def source_code(region: Region) -> str:
    """Python code that makes the spectra of a region, `spectra`, to the last bit.

    Raises
    ------
    ValueError, TypeError
        Where the region cannot be kept in a session.
    """
    import xpsnet

    axis = region.axis
    kept = xpsnet.SessionRegion(
        _described(region, axis),
        name=region.title,
        steps=_steps(axis),
        origin=_plain(dict(region.origin)),
    )
    return xpsnet.session_script(xpsnet.Session([kept])) + "spectra = session.regions[0].on_axis()"


def _steps(axis: EnergyAxis) -> list[tuple[str, dict[str, Any]]]:
    """What brings spectra, as they were read, onto an axis."""
    steps: list[tuple[str, dict[str, Any]]] = []
    given = {"scale": axis.scale, "photon_energy": axis.photon_energy}
    given = {key: value for key, value in given.items() if value is not None}
    if given:
        steps.append(("assign_attrs", given))
    if axis.offset:
        steps.append(("shift", {"energy_offset": axis.offset}))
    if axis.charge is not None:
        steps.append(("set_charge_shift", axis.charge.keywords()))
    if axis.show is not None:
        steps.append((f"to_{axis.show}", {}))
    return steps


def _axis_values(axis: EnergyAxis) -> dict[str, Any]:
    """An energy axis as plain values."""
    charge = None if axis.charge is None else axis.charge.keywords()
    return {**asdict(replace(axis, charge=None)), "charge": charge}


def _axis_of(found: Mapping[str, Any]) -> EnergyAxis:
    """The axis that plain values describe."""
    values = dict(found)
    charge = values.pop("charge", None)
    return EnergyAxis(**values, charge=None if charge is None else Charge.from_keywords(charge))


def _form_values(settings: FitState) -> dict[str, Any]:
    """Choices of the form as plain values."""
    values = asdict(replace(settings, start=None, pixel=None))
    limits = values["energy_range"]
    values["energy_range"] = None if limits is None else list(limits)
    values["everywhere"] = settings.pixel is None
    return {key: one for key, one in values.items() if key not in ("start", "pixel")}


def _form_of(found: Mapping[str, Any]) -> FitState:
    """The choices that plain values describe."""
    values = dict(found)
    limits = values.pop("energy_range", None)
    pixel: dict[str, int] | None = None if values.pop("everywhere", False) else {}
    ends = None if limits is None else (limits[0], limits[1])
    return FitState(**values, energy_range=ends, pixel=pixel)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that a session holds; anything else as text."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found[str(key)] = _plain(value)
        elif isinstance(value, list | tuple):
            found[str(key)] = [
                one if isinstance(one, str | int | float | None) else str(one) for one in value
            ]
        else:
            plain = value is None or isinstance(value, str | int | float)
            found[str(key)] = value if plain else str(value)
    return found


def session_files(session: "xpsnet.Session") -> list[RegionFile]:
    """Files with their regions and states, as they were when the session was made.

    Raises
    ------
    ValueError
        Where the settings are not those of this plugin.
    """
    regions = [_region(one) for one in session.regions]
    described = session.view.get("files")
    if described is None:  # made by the library
        described = [{"name": "", "regions": [k], "active": 0} for k in range(len(regions))]
    files = []
    for one in described:
        own = [regions[int(k)] for k in one["regions"]]
        file = RegionFile(str(one["name"]), own)
        for region, k in zip(own, one["regions"], strict=True):
            region.title = session.regions[int(k)].name
        file.active = own[int(one["active"])]
        files.append(file)
    return files


def _region(found: "xpsnet.SessionRegion") -> Region:
    """A region with its state."""
    settings = found.settings
    axis = _axis_of(settings.get("axis", {}))
    region = Region(found.spectra, dict(found.origin), axis)
    if not settings.get("opened", True):
        return region
    made = None
    fit = settings.get("fit")
    if fit is not None and found.peaks is not None:
        made = _made(fit)
    content = Content(
        found.peaks,
        {frozenset(pixel.items()): peaks for pixel, peaks in found.single},
        found.energy_range,
        axis,
        made=made,
    )
    pixel = settings.get("pixel")
    state = EditState(first_pixel(region.spectra) if pixel is None else pixel, content)
    if "form" in settings:
        state.settings = _form_of(settings["form"])
    if "shown" in settings:
        state.shown = Shown(**settings["shown"])
    state.select(settings.get("selected"))
    region.state = state
    region.shown_maps = list(settings.get(SHOWN_MAPS, []))
    return region


def _made(fit: Mapping[str, Any]) -> FitState | None:
    """The choices of a fit of all spectra, from its call."""
    keywords = dict(fit["keywords"])
    limits = keywords.pop("energy_range", None)
    ends = None if limits is None else (limits[0], limits[1])
    return FitState(**keywords, energy_range=ends, refine=fit["function"] == "fit")


def session_layers(path: str) -> list[LayerTuple]:
    """Layers of the files of a session; the last one carries the view for the dock.

    Raises
    ------
    xpsnet.ReadError
        If the file is no session.
    """
    import xpsnet

    session = xpsnet.read_session(path)
    files = session_files(session)
    layers = [file_layer(file) for file in files]
    if layers:
        keywords = layers[-1][1]
        keywords["metadata"][VIEW] = {**session.view, "path": str(path)}
    return layers
