"""The session: regions with spectra, ranges and fits, and what a viewer keeps beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import xarray as xr

from xpsnet.data.spectrum import check_spectra, shift, to_binding, to_kinetic
from xpsnet.io.stores.plain_data import plain_value

Step = tuple[str, Mapping[str, Any]]

STEPS = ("assign_attrs", "shift", "to_binding", "to_kinetic", "set_charge_shift")
"""Names that `SessionRegion.steps` may have."""


@dataclass(frozen=True, eq=False)
class SessionRegion:
    """One region of a session: spectra, and what was done with them.

    Parameters
    ----------
    spectra : DataArray
        As they were read, with any dimensions besides `energy`.
    name : str
        Name that people see; by default that of the spectra.
    steps : sequence of (str, mapping)
        What brings the spectra onto the axis of range and peaks, in this order: names of `STEPS`
        with their keywords, such as ("shift", {"energy_offset": 0.5}). A charge shift per spectrum
        is {"dims": [...], "values": [...]}.
    energy_range : (float, float), optional
        Range to fit [eV].
    peaks : Dataset, optional
        Fit of all spectra.
    single : sequence of (mapping, Dataset or None)
        Newer peaks of single spectra: the index along each dimension, and the peaks, None where
        they were all deleted.
    origin : mapping
        Where the spectra come from: {"call": "read", "name": file, "region": ..., "given": {}}, or
        "sample" with its name.
    settings : mapping
        Numbers, texts, lists and mappings of such: the choices of a fit, the state of the view.
        ``settings["fit"]``, {"function": "fit", "keywords": {...}}, is the call that gave `peaks`.

    Examples
    --------
    >>> import xpsnet
    >>> region = xpsnet.SessionRegion(
    ...     xpsnet.sample("spectrum"), steps=[("shift", {"energy_offset": 0.5})]
    ... )
    >>> float(region.on_axis().energy[0] - region.spectra.energy[0])
    0.5
    """

    spectra: xr.DataArray
    name: str = ""
    steps: Sequence[Step] = ()
    energy_range: tuple[float, float] | None = None
    peaks: xr.Dataset | None = None
    single: Sequence[tuple[Mapping[str, int], xr.Dataset | None]] = ()
    origin: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what a file could not hold, or a reader not understand."""
        put = object.__setattr__
        put(self, "spectra", check_spectra(self.spectra))
        put(self, "name", str(self.name or self.spectra.name or ""))
        steps = tuple((str(name), plain_value(dict(given), name)) for name, given in self.steps)
        unknown = [name for name, _ in steps if name not in STEPS]
        if unknown:
            raise ValueError(f"expected steps of {STEPS}, got {unknown[0]!r}")
        put(self, "steps", steps)
        if self.energy_range is not None:
            low, high = (float(end) for end in self.energy_range)
            put(self, "energy_range", (low, high))
        _check_peaks(self.peaks, self.spectra)
        single = tuple((_checked_pixel(pixel, self.spectra), one) for pixel, one in self.single)
        put(self, "single", single)
        for _, peaks in single:
            _check_peaks(peaks, None)
        put(self, "origin", plain_value(dict(self.origin), "origin"))
        put(self, "settings", plain_value(dict(self.settings), "settings"))

    def on_axis(self) -> xr.DataArray:
        """The spectra after all steps: those that range and peaks belong to."""
        spectra = self.spectra
        for name, given in self.steps:
            spectra = apply_step(spectra, name, given)
        return spectra

    def identical(self, other: "SessionRegion") -> bool:
        """Whether all values, names and attributes are equal."""
        return (
            self.spectra.identical(other.spectra)
            and (self.name, self.steps, self.energy_range)
            == (other.name, other.steps, other.energy_range)
            and _identical(self.peaks, other.peaks)
            and [pixel for pixel, _ in self.single] == [pixel for pixel, _ in other.single]
            and all(
                _identical(a, b) for (_, a), (_, b) in zip(self.single, other.single, strict=True)
            )
            and (self.origin, self.settings) == (other.origin, other.settings)
        )


@dataclass(frozen=True, eq=False)
class Session:
    """Everything of one sitting: regions with their fits, peak sets, and the view.

    Parameters
    ----------
    regions : sequence of SessionRegion
    peak_sets : mapping of str to Dataset
        Peaks of one spectrum each that were kept under a name.
    view : mapping
        State of a viewer: numbers, texts, lists and mappings of such.

    See Also
    --------
    write_session, read_session, session_script

    Examples
    --------
    >>> import xpsnet
    >>> spectrum = xpsnet.sample("spectrum")
    >>> region = xpsnet.SessionRegion(spectrum, peaks=xpsnet.fit(spectrum, n_peaks=3))
    >>> session = xpsnet.Session([region])
    >>> session.regions[0].name
    'C 1s'
    """

    regions: Sequence[SessionRegion] = ()
    peak_sets: Mapping[str, xr.Dataset] = field(default_factory=dict)
    view: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what a file could not hold."""
        put = object.__setattr__
        put(self, "regions", tuple(self.regions))
        put(self, "peak_sets", {str(name): peaks for name, peaks in self.peak_sets.items()})
        for peaks in self.peak_sets.values():
            _check_peaks(peaks, None)
        put(self, "view", plain_value(dict(self.view), "view"))

    def identical(self, other: "Session") -> bool:
        """Whether all values, names and attributes are equal."""
        return (
            len(self.regions) == len(other.regions)
            and all(a.identical(b) for a, b in zip(self.regions, other.regions, strict=True))
            and [*self.peak_sets] == [*other.peak_sets]
            and all(_identical(peaks, other.peak_sets[k]) for k, peaks in self.peak_sets.items())
            and self.view == other.view
        )


def apply_step(spectra: xr.DataArray, name: str, given: Mapping[str, Any]) -> xr.DataArray:
    """Spectra after one step of `SessionRegion.steps`."""
    if name == "assign_attrs":
        return spectra.assign_attrs(given)
    if name == "shift":
        return shift(spectra, **given)
    if name == "set_charge_shift":
        from xpsnet.data.set_charge_shift import set_charge_shift

        return set_charge_shift(spectra, **{key: as_shift(one) for key, one in given.items()})
    return (to_binding if name == "to_binding" else to_kinetic)(spectra, **given)


def as_shift(value: Any) -> Any:
    """A number or text as it is, a mapping of dims and values as an array."""
    if isinstance(value, Mapping):
        return xr.DataArray(value["values"], dims=value["dims"])
    return value


def _identical(first: xr.Dataset | None, second: xr.Dataset | None) -> bool:
    if first is None or second is None:
        return first is second
    return bool(first.identical(second))


def _check_peaks(peaks: xr.Dataset | None, spectra: xr.DataArray | None) -> None:
    """Refuse what are no peaks, or none of these spectra."""
    if peaks is None:
        return
    if not isinstance(peaks, xr.Dataset) or "center" not in peaks or "peak" not in peaks.dims:
        raise ValueError(f"expected a peaks Dataset, got {type(peaks).__name__}")
    lead = [dim for dim in peaks["center"].dims if dim not in ("peak", "count")]
    if spectra is None:
        if lead:
            raise ValueError(f"expected peaks of one spectrum, got dimensions {lead}")
        return
    for dim in lead:
        own = str(dim).removeprefix("spectra_") if dim not in spectra.dims else dim
        if spectra.sizes.get(own) != peaks.sizes[dim]:
            raise ValueError(
                f"expected peaks of spectra with {dict(spectra.sizes)}, got {dict(peaks.sizes)}"
            )


def _checked_pixel(pixel: Mapping[str, int], spectra: xr.DataArray) -> dict[str, int]:
    """Index along each dimension except energy."""
    found = {str(dim): int(index) for dim, index in pixel.items()}
    sizes = {str(dim): n for dim, n in spectra.sizes.items() if dim != "energy"}
    if {*found} != {*sizes} or any(not 0 <= i < sizes[dim] for dim, i in found.items()):
        raise ValueError(f"expected the index of one spectrum of {sizes}, got {found}")
    return found
