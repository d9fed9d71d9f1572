"""All choices of the user as frozen data, the call that they mean, and the Python code for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import xarray as xr

from napari_xpsnet._charge import Charge

Scale = Literal["binding", "kinetic"]

BACKGROUNDS = (
    "none",
    "constant",
    "linear",
    "shirley",
    "shirley+linear",
    "tougaard",
    "tougaard+linear",
)
FIT_BACKGROUNDS = (*BACKGROUNDS, "auto", "static linear", "static shirley", "static tougaard")
"""With those that need a least-squares fit."""
LINE_SHAPES = (
    "auto",
    "pseudo_voigt",
    "asymmetric_pseudo_voigt",
    "voigt",
    "gl_product",
    "gaussian",
    "lorentzian",
    "doniach_sunjic",
    "doniach_sunjic_gauss",
    "asymmetric_lorentzian",
    "finite_lorentzian",
)
Count = int | Literal["auto"]
PEAK_COUNTS: tuple[Count, ...] = ("auto", 0, 1, 2, 3, 4, 5, 6)
STATE_COUNTS: tuple[Count, ...] = ("auto", 1, 2, 3, 4, 5, 6)


@dataclass(frozen=True)
class EnergyAxis:
    """Description of the energy axis by the user, for files that do not describe it.

    Parameters
    ----------
    scale : "binding", "kinetic" or None
        Energy scale of the file; None: as the file states.
    photon_energy : float or None
        [eV]; None: as the file states.
    offset : float
        Added to the energies of the file [eV].
    show : "binding", "kinetic" or None
        The other energy scale, where the energies are converted; None: that of the file.
    charge : Charge or None
        Charge reference; None: as the file states.
    """

    scale: Scale | None = None
    photon_energy: float | None = None
    offset: float = 0.0
    show: Scale | None = None
    charge: Charge | None = None

    def apply(self, spectra: xr.DataArray) -> xr.DataArray:
        """Put spectra, as they were read, on the axis that the user described.

        Raises
        ------
        ValueError
            If a conversion needs a photon energy and none is known.
        """
        import xpsnet

        given = {"scale": self.scale, "photon_energy": self.photon_energy}
        given = {k: v for k, v in given.items() if v is not None}
        if given:
            spectra = spectra.assign_attrs(given)
        if self.offset:
            spectra = spectra.xps.shift(self.offset)
        if self.charge is not None:
            spectra = self.charge.apply(spectra)
        if self.show is not None:
            convert = xpsnet.to_binding if self.show == "binding" else xpsnet.to_kinetic
            spectra = convert(spectra)
        return spectra

    def photon(self, as_read: xr.DataArray) -> float | None:
        """Photon energy of spectra [eV], None where neither user nor file states it."""
        return self.photon_energy or as_read.attrs.get("photon_energy")

    def shown_as(self, scale: Scale, as_read: xr.DataArray) -> "EnergyAxis":
        """The same on an energy scale; as stored where the photon energy is unknown.

        Parameters
        ----------
        scale : "binding" or "kinetic"
        as_read : DataArray
            The spectra that the axis is for.
        """
        stored = self.scale or as_read.attrs.get("scale")
        if stored not in ("binding", "kinetic") or self.photon(as_read) is None:
            return replace(self, show=None)
        return replace(self, show=None if stored == scale else scale)

    def keywords(self) -> dict[str, Any]:
        """The same as keywords of `xpsnet.read`, without the conversion."""
        given = {
            "scale": self.scale,
            "photon_energy": self.photon_energy,
            "energy_offset": self.offset or None,
        }
        return {key: value for key, value in given.items() if value is not None}


@dataclass(frozen=True)
class FitState:
    """All choices in the "Fit peaks" dock.

    Parameters
    ----------
    model : str
        Network, as listed by `xpsnet.list_models`.
    n_peaks : int or "auto"
        Number of lines.
    n_states : int or "auto"
        Number of chemical states, of a fit without a number of lines.
    background : str
        One of `FIT_BACKGROUNDS`; without `refine` one of `BACKGROUNDS`, or "auto" for the default.
    line_shape : str
        One of `LINE_SHAPES`, of a fit.
    energy_range : (float, float) or None
        [eV] on the shown scale; None: the whole axis.
    refine : bool
        Whether a least-squares fit follows the prediction.
    pixel : mapping or None
        Index along each dimension of the one spectrum to fit; None fits all of them.
    start : Dataset or None
        Peaks to refine, with their own line shapes, locks, limits and links; None finds peaks.
    """

    model: str = "default"
    n_peaks: Count = "auto"
    n_states: Count = "auto"
    background: str = "auto"
    line_shape: str = "auto"
    energy_range: tuple[float, float] | None = None
    refine: bool = True
    pixel: Mapping[str, int] | None = field(default=None)
    start: xr.Dataset | None = field(default=None, compare=False, repr=False)

    @property
    def function(self) -> str:
        """Name of the public function of `xpsnet`."""
        if self.start is not None:
            return "refine"
        return "fit" if self.refine else "predict"

    def keywords(self) -> dict[str, Any]:
        """Keywords of that function."""
        if self.start is not None:
            # The peaks carry the settings of their fit; "auto" leaves them as they are.
            keywords: dict[str, Any] = {"peaks": self.start}
            if self.background != "auto":
                keywords["background"] = self.background
            if self.energy_range is not None:
                keywords["energy_range"] = self.energy_range
            return keywords
        keywords = {"model": self.model, "n_peaks": self.n_peaks}
        if self.refine:
            keywords |= {"n_states": self.n_states, "line_shape": self.line_shape}
        if self.refine or self.background != "auto":
            keywords["background"] = self.background
        if self.energy_range is not None:
            keywords["energy_range"] = self.energy_range
        return keywords

    def select(self, spectra: xr.DataArray) -> xr.DataArray:
        """Spectra to fit."""
        return (
            spectra
            if self.pixel is None
            else spectra.isel(dict(self.pixel)).xps.on_corrected_axis()
        )


BY_HAND = (
    '# The peaks were changed by hand. "Save peak set..." keeps them; to repeat the last fit:',
    '# peaks = xpsnet.refine({name}, xpsnet.read_fit("peak set.json")[0])',
)


def script(
    state: FitState,
    axis: EnergyAxis,
    origin: Mapping[str, Any],
    *,
    layer: str = "spectra",
    source: str = "",
    by_hand: bool = False,
) -> str:
    """Python code that repeats the fit without the viewer.

    Parameters
    ----------
    state, axis
        The user's choices.
    origin : mapping
        {"call": "read" or "sample", "name": file or sample, "region": name or number, "given":
        keywords}; empty for spectra from the Python session of the user.
    layer : str
        Name of the layer, for that case.
    source : str
        Code that makes `spectra`, where `origin` cannot say it.
    by_hand : bool
        Whether the peaks that are shown were changed by hand, which the code cannot repeat.
    """
    lines = [source] if source else ["import xpsnet", "", *_source(axis, origin, layer)]
    if axis.show is not None and not source:
        lines.append(f"spectra = xpsnet.to_{axis.show}(spectra)")
    name = "spectra"
    if state.pixel:
        name = "spectrum"
        own = ".xps.on_corrected_axis()" if axis.charge is not None else ""
        lines.append(f"spectrum = spectra.isel({_arguments(state.pixel)}){own}")
    lines.append(f"peaks = xpsnet.{state.function}({name}, {_arguments(state.keywords())})")
    if by_hand:
        lines += [line.format(name=name) for line in BY_HAND]
    lines.append('xpsnet.write(peaks, "peaks.nc")')
    return "\n".join(lines) + "\n"


def _source(axis: EnergyAxis, origin: Mapping[str, Any], layer: str) -> list[str]:
    """Lines of code that read the spectra."""
    if origin.get("call") == "read":
        earlier = dict(origin.get("given", {}))
        given = {"region": origin.get("region", 0), **earlier, **axis.keywords()}
        if "energy_offset" in earlier:
            given["energy_offset"] = earlier["energy_offset"] + axis.offset
        return [f"spectra = xpsnet.read_one({origin['name']!r}, {_arguments(given)})"]
    if origin.get("call") == "sample":
        lines = [f"spectra = xpsnet.sample({origin['name']!r})"]
    else:
        # For the console of napari, which knows `viewer`.
        lines = [f'spectra = viewer.layers[{layer!r}].metadata["as_read"]']
    given = {"scale": axis.scale, "photon_energy": axis.photon_energy}
    given = {key: value for key, value in given.items() if value is not None}
    if given:
        lines.append(f"spectra = spectra.assign_attrs({_arguments(given)})")
    if axis.offset:
        lines.append(f"spectra = spectra.xps.shift({axis.offset!r})")
    return lines


def _arguments(keywords: Mapping[str, Any]) -> str:
    """Keywords as text of a call."""
    return ", ".join(f"{key}={value!r}" for key, value in keywords.items())
