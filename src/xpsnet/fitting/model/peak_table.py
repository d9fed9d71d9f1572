"""The peaks of one spectrum as plain arrays that a person changes: links and locks are obeyed.

A value that is changed may be linked to that of another peak. Then the peak that it follows moves
so that the link holds, and everything else that follows this one moves along. A fitted offset or
ratio of a link takes up what its limits allow first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.constraints import Constraint, links_of
from xpsnet.data.links import Key, Link, parameter_name, resolved
from xpsnet.data.peak_settings import (
    enabled_rows,
    stored_constraints,
    stored_shared,
    with_constraints,
)
from xpsnet.data.peaks import line_shapes_of
from xpsnet.data.spectrum import scale_sign
from xpsnet.data.status import Status, with_texts
from xpsnet.fitting.model.doublets import doublets_as_links
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.peak_shapes import shape_names, simplest

Floats = npt.NDArray[np.float64]

UNITS = {"center": " eV", "fwhm": " eV"}
"""Units of shape parameters in sentences."""

# What a fit says of its own result: nothing of it holds for peaks that were changed.
_OF_THE_FIT = ("redchi", "aic", "bic")
_OF_THE_CHOICE = (
    "model_choice",
    "model_probability",
    "n_peaks_probability",
    "n_states_probability",
    "count",
    "choice",
)
_WORDS_OF_THE_CHOICE = ("model_choices", "model_choice_text")


@dataclass
class PeakTable:
    """A working copy of the peaks of one spectrum.

    Attributes
    ----------
    peaks : Dataset
        Where it comes from; it stays as it is.
    shapes : list of str
        Key of `LINE_SHAPES` of every peak.
    values : dict of str to ndarray, shape (peak,)
        Shape parameters on the scale of the peaks, NaN where a shape has none.
    constraints : dict
        As for `refine`.
    shared : tuple of str
    labels : list of str
    enabled : ndarray of bool, shape (peak,)
    partner, state : ndarray of int, shape (peak,)
    is_labelled : bool
        Whether the peaks have a variable `label`.
    """

    peaks: xr.Dataset
    shapes: list[str]
    values: dict[str, Floats]
    constraints: dict[str, Constraint]
    shared: tuple[str, ...]
    labels: list[str]
    enabled: npt.NDArray[np.bool_]
    partner: npt.NDArray[np.int64]
    state: npt.NDArray[np.int64]
    is_labelled: bool = False

    @classmethod
    def of(cls, peaks: xr.Dataset) -> "PeakTable":
        """The table of peaks of one spectrum.

        Raises
        ------
        ValueError
            Where there are several spectra.
        """
        if "peak" not in peaks.dims or "center" not in peaks:
            raise ValueError("expected peaks from predict, refine or fit, see xpsnet.fit")
        n = peaks.sizes["peak"]
        if peaks.variables["center"].size != n:
            lead = {d: s for d, s in peaks["center"].sizes.items() if d != "peak"}
            raise ValueError(
                f"expected the peaks of one spectrum, got those of {lead}; select one first, for "
                f"instance with .isel"
            )
        peaks = doublets_as_links(peaks)
        shapes = list(shape_names(line_shapes_of(peaks), n))
        names = dict.fromkeys(p for shape in shapes for p in LINE_SHAPES[shape].parameters)
        values = {
            name: np.array(peaks.variables[name].values, dtype=np.float64).reshape(n)
            if name in peaks.variables
            else np.full(n, np.nan)
            for name in names
        }
        numbers = {
            name: np.array(peaks.variables[name].values, dtype=np.int64).reshape(n)
            if name in peaks.variables
            else np.zeros(n, dtype=np.int64)
            for name in ("partner", "state")
        }
        is_labelled = "label" in peaks.variables
        labels = [str(t) for t in peaks.variables["label"].values] if is_labelled else [""] * n
        return cls(
            peaks,
            shapes,
            values,
            stored_constraints(peaks),
            stored_shared(peaks),
            labels,
            enabled_rows(peaks).copy(),
            numbers["partner"],
            numbers["state"],
            is_labelled,
        )

    @property
    def n_peaks(self) -> int:
        """Number of rows."""
        return len(self.shapes)

    def index(self, peak: int) -> int:
        """Index of a peak by its number.

        Raises
        ------
        ValueError
            Where there is no such peak.
        """
        present = np.flatnonzero(np.isfinite(self.values["center"]))
        if isinstance(peak, bool) or int(peak) != peak or int(peak) - 1 not in present:
            known = ", ".join(str(k + 1) for k in present) or "none"
            raise ValueError(f"expected the number of a peak ({known}), got {peak!r}")
        return int(peak) - 1

    def has(self, k: int, parameter: str) -> bool:
        """Whether the shape of a peak has this parameter."""
        return parameter in LINE_SHAPES[self.shapes[k]].parameters

    def check_parameter(self, k: int, parameter: str) -> None:
        """Refuse a parameter that the shape of a peak does not have."""
        if parameter != "area" and not self.has(k, parameter):
            known = (*LINE_SHAPES[self.shapes[k]].parameters, "area")
            raise ValueError(
                f"expected one of {', '.join(known)} for peak {k + 1}, a {self.shapes[k]} line, "
                f"got {parameter!r}"
            )

    def unit_area(self, k: int) -> float:
        """Area of the line of a peak if its height were 1 [eV]."""
        shape = LINE_SHAPES[self.shapes[k]]
        own = {name: float(self.values[name][k]) for name in shape.parameters}
        own["height"] = 1.0
        if shape.area is not None:
            return float(shape.area(*own.values()))
        sign = scale_sign(str(self.peaks.attrs["scale"]))
        own["center"] *= sign
        return float(shape.area_over(sign * self.peaks["energy"].values, *own.values()))

    def areas(self) -> Floats:
        """Areas of all peaks, shape (peak,)."""
        area = np.full(self.n_peaks, np.nan)
        for k in np.flatnonzero(np.isfinite(self.values["center"])).tolist():
            area[k] = self.values["height"][k] * self.unit_area(k)
        return area

    def areas_now(self) -> Floats:
        """Areas of all peaks; those of peaks that are as they came are not computed again."""
        variables, n = self.peaks.variables, self.n_peaks
        same = np.full(n, "area" in variables)
        for name, values in self.values.items():
            old = variables[name].values.reshape(n) if name in variables else np.full(n, np.nan)
            same &= (values == old) | (np.isnan(values) & np.isnan(old))
        before = list(shape_names(line_shapes_of(self.peaks), n))
        same &= [one == other for one, other in zip(self.shapes, before, strict=True)]
        area = np.full(n, np.nan)
        if same.any():
            area[same] = variables["area"].values.reshape(n)[same]
        for k in np.flatnonzero(np.isfinite(self.values["center"]) & np.isnan(area)).tolist():
            area[k] = self.values["height"][k] * self.unit_area(k)
        return area

    def limits(self, parameter: str, k: int) -> tuple[float, float]:
        """Lowest and highest value by the constraints and by the shape; equal where it is held."""
        low, high = own_limits(self.shapes[k], parameter)
        rule = self.rule(parameter, k)
        if isinstance(rule, int | float):
            return float(rule), float(rule)
        if isinstance(rule, tuple | list):
            first, last = rule
            low = low if first is None else max(low, float(first))
            high = high if last is None else min(high, float(last))
        return low, high

    def rule(self, parameter: str, k: int) -> Constraint | None:
        """The constraint of one parameter of one peak, its own or that of all peaks."""
        names = [parameter_name(parameter, k), parameter]
        if parameter in self.shared:  # one value: what is said of one peak is said of all
            names += [parameter_name(parameter, other) for other in range(self.n_peaks)]
        return next((self.constraints[name] for name in names if name in self.constraints), None)

    def links(self) -> dict[Key, Link]:
        """Every link traced to a parameter of its own, among the peaks that are there.

        Raises
        ------
        ValueError
            Where links lead in a circle.
        """
        there = np.isfinite(self.values["center"])
        found = [
            link
            for link in links_of(self.constraints)
            if max(link.peak, link.source) < self.n_peaks
            and there[link.peak]
            and there[link.source]
        ]
        return resolved(found)

    def settle(self, wanted: Mapping[Key, float]) -> None:
        """Change values, and everything that is linked to them.

        Parameters
        ----------
        wanted : mapping of (parameter, index of the peak) to float
            "area" is allowed, too. A value beyond a limit stops at it.

        Raises
        ------
        ValueError
            Where a value is locked.
        """
        links = self.links()
        before = dict(self.values)
        if any(name == "area" and link.fitted for (name, _), link in links.items()):
            before["area"] = self.areas()
        before = {name: values.copy() for name, values in before.items()}
        amounts = {key: _amount(link, before) for key, link in links.items() if link.fitted}
        for parameter in self.values:
            if parameter != "height":
                own = {k: v for (name, k), v in wanted.items() if name == parameter}
                self._settle_one(parameter, own, links, amounts)
        self._settle_heights(wanted, links, amounts)

    def _settle_one(
        self,
        parameter: str,
        wanted: Mapping[int, float],
        links: Mapping[Key, Link],
        amounts: dict[Key, float],
    ) -> None:
        """All values of one parameter that is no height."""
        values = self.values[parameter]
        for k, value in wanted.items():
            root, value = self._root(parameter, k, value, values, links, amounts)
            low, high = self.limits(parameter, root)
            self._check_free(parameter, k, root, value, (low, high))
            value = float(np.clip(value, low, high))
            if parameter in self.shared:
                values[[self.has(i, parameter) for i in range(self.n_peaks)]] = value
            else:
                values[root] = value
        for (name, k), link in links.items():
            if name == parameter:
                values[k] = _follow(link, values[link.source], amounts.get((name, k)))
        if parameter in self.shared and not wanted:  # a row that was switched off comes back
            there = np.isfinite(self.values["center"]) & np.isfinite(values)
            first = np.flatnonzero(there & self.enabled)
            values[there] = values[first[:1]] if first.size else values[there]

    def _settle_heights(
        self, wanted: Mapping[Key, float], links: Mapping[Key, Link], amounts: dict[Key, float]
    ) -> None:
        """Heights, and areas by them: the widths are settled by now."""
        height = self.values["height"]
        # Areas are needed where one is wanted or linked; of some shapes they take a quadrature.
        needed = {k for name, k in wanted if name == "area"}
        for (name, k), link in links.items():
            needed |= {k, link.source} if name == "area" else set()
        unit = np.full(self.n_peaks, np.nan)
        for k in needed:
            unit[k] = self.unit_area(k)
        for parameter in ("height", "area"):
            for (name, k), value in wanted.items():
                if name != parameter:
                    continue
                value = value / unit[k] if parameter == "area" else value
                root, value = self._root("height", k, value, height, links, amounts)
                area = height * unit
                if root == k and ("area", k) in links:
                    own = value * unit[k]
                    root, found = self._root("area", k, own, area, links, amounts)
                    value = found / unit[root]
                low, high = self.limits("height", root)
                self._check_free("height", k, root, value, (low, high))
                height[root] = np.clip(value, low, high)
        for name in ("height", "area"):
            for (parameter, k), link in links.items():
                if parameter != name:
                    continue
                ratio = unit[link.source] / unit[k] if name == "area" else 1.0
                height[k] = _follow(link, height[link.source] * ratio, amounts.get((name, k)))

    def _root(
        self,
        parameter: str,
        k: int,
        value: float,
        values: Floats,
        links: Mapping[Key, Link],
        amounts: dict[Key, float],
    ) -> tuple[int, float]:
        """The peak that a value depends on in the end, and the value that this one needs."""
        link = links.get((parameter, k))
        if link is None:
            return k, value
        source = float(values[link.source])
        if link.fitted == "offset":
            rest = value - link.offset - link.ratio * source
            amounts[parameter, k] = float(np.clip(rest, *link.limits))
            value -= amounts[parameter, k]
        elif link.fitted:
            whole = link.ratio * source
            ratio = (value - link.offset) / whole if whole else link.limits[0]
            amounts[parameter, k] = float(np.clip(ratio, *link.limits))
            return link.source, (value - link.offset) / (link.ratio * amounts[parameter, k])
        return link.source, (value - link.offset) / link.ratio

    def _check_free(
        self, parameter: str, k: int, root: int, value: float, limits: tuple[float, float]
    ) -> None:
        """Refuse another value than the one that a parameter is locked at."""
        low, high = limits
        if low != high or abs(value - low) <= 1e-9 * max(1.0, abs(low)):
            return
        follows = "" if root == k else f" The {parameter} of peak {k + 1} follows it."
        raise ValueError(
            f"The {parameter} of peak {root + 1} is locked at {low:.6g}{UNITS.get(parameter, '')}: "
            f"unlock it first.{follows}"
        )

    def written(self, *, fitted: bool = False) -> xr.Dataset:
        """A new Dataset with the values, settings and labels of this table.

        Parameters
        ----------
        fitted : bool
            Whether errors and quality of the fit still hold.
        """
        new = self.peaks.copy(deep=False)
        center = new.variables["center"]
        dims, shape = center.dims, center.shape
        missing: dict[str, Any] = {}
        table: dict[str, Any] = {**self.values, "area": self.areas_now()}
        table |= {"enabled": self.enabled}
        for name in ("partner", "state"):
            if name in new.variables or getattr(self, name).any():
                table[name] = getattr(self, name)
        if self.is_labelled:
            table["label"] = np.array(self.labels, dtype=object)
        for name, values in table.items():
            own = ("peak",) if name in ("enabled", "label") else dims
            values = values if len(own) == 1 else values.reshape(shape)
            if name in new.variables and new.variables[name].dims == own:
                new.variables[name].values = values
            else:
                missing[name] = (own, values)
        known = {p for line in LINE_SHAPES.values() for p in line.parameters}
        left = [n for n in known - set(self.values) if n in new.variables]
        left += [f"{n}_stderr" for n in left if f"{n}_stderr" in new.variables]
        line_shape = simplest(tuple(self.shapes)) if self.shapes else "pseudo_voigt"
        new.attrs = with_constraints(new.attrs, self.constraints)
        new.attrs["shared"] = " ".join(self.shared)
        if isinstance(line_shape, str):
            new.attrs["line_shape"] = line_shape
            left += ["line_shape"] if "line_shape" in new.variables else []
        else:
            new.attrs.pop("line_shape", None)
            missing["line_shape"] = ("peak", np.array(line_shape, dtype=object))
        if not fitted:
            gone = ("covariance", "parameter", "parameter_2", *_OF_THE_CHOICE)
            left += [name for name in gone if name in new.variables]
            for name in _WORDS_OF_THE_CHOICE:
                new.attrs.pop(name, None)
            _forget_fit(new, self.values["center"], self.enabled)
        if left:
            new = new.drop_vars(left)
        return with_texts(new.assign(missing)) if missing else new


def own_limits(shape: str, parameter: str) -> tuple[float, float]:
    """Limits that a line shape sets by itself."""
    if parameter == "center":
        return -np.inf, np.inf
    if parameter == "fwhm":
        return float(np.finfo(float).tiny), np.inf
    return LINE_SHAPES[shape].limits.get(parameter, (0.0, np.inf))


def _amount(link: Link, values: Mapping[str, Floats]) -> float:
    """The offset or ratio of a link that is fitted, as the values have it now."""
    own, source = values[link.parameter][[link.peak, link.source]]
    rest = own - link.offset - link.ratio * source
    if link.fitted == "ratio":
        rest = (own - link.offset) / (link.ratio * source) if source else np.nan
    rest = rest if np.isfinite(rest) else sum(link.limits) / 2
    return float(np.clip(rest, *link.limits))


def _follow(link: Link, source: float, amount: float | None) -> float:
    """The value that a link gives."""
    if amount is None:
        return float(link.offset + link.ratio * source)
    if link.fitted == "offset":
        return float(link.offset + amount + link.ratio * source)
    return float(link.offset + amount * link.ratio * source)


def _forget_fit(peaks: xr.Dataset, center: Floats, enabled: npt.NDArray[np.bool_]) -> None:
    """Take errors and quality of a fit away from peaks that it has not found, in place."""
    n_peaks = int((np.isfinite(center) & enabled).sum())
    status = Status.NOT_DONE if n_peaks else Status.NO_PEAKS
    for name, variable in peaks.variables.items():
        text = str(name)
        if text.endswith(("_stderr", "_spread")) or text in _OF_THE_FIT:
            variable.values = np.full(variable.shape, np.nan)
        elif text == "n_peaks":
            variable.values = np.full(variable.shape, n_peaks, dtype=variable.dtype)
        elif text == "status":
            variable.values = np.full(variable.shape, int(status), dtype=variable.dtype)
        elif text == "status_flags":
            variable.values = np.full(variable.shape, status.flag, dtype=variable.dtype)


def with_row(peaks: xr.Dataset) -> xr.Dataset:
    """Peaks with one more row at the end that holds no peak yet."""
    n = peaks.sizes["peak"]
    variables: dict[str, Any] = {}
    for name, variable in peaks.variables.items():
        if name in peaks.coords or "peak" not in variable.dims:
            continue
        axis = variable.dims.index("peak")
        shape = tuple(1 if i == axis else s for i, s in enumerate(variable.shape))
        filler: Any = {"f": np.nan, "i": 0, "b": True}.get(variable.dtype.kind, "")
        if name == "line_shape":
            filler = variable.values[-1]
        row = np.full(shape, filler, dtype=variable.dtype)
        variables[str(name)] = (
            variable.dims,
            np.concatenate([variable.values, row], axis=axis),
            variable.attrs,
        )
    kept = peaks.drop_vars([*variables, "peak"])
    number = ("peak", np.arange(1, n + 2), dict(peaks["peak"].attrs))
    return kept.assign(variables).assign_coords(peak=number)
