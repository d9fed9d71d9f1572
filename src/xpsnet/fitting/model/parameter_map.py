"""Which entry of one flat array is which parameter: free, shared or linked.

A solver works on a flat array theta. What a spectrum is drawn from are the physical parameters
q[k, j] of peak k and shape parameter j, and one coefficient per background term. Each q comes from
theta by one of four operations,

    0   q = offset + ratio theta[index]
    1   q = offset + ratio theta[index] + theta[partner]
    2   q = offset + ratio theta[index] theta[partner]
    3   q = offset + ratio theta[index] theta[partner] / theta[divisor]

so that a parameter of its own has offset 0 and ratio 1, shared parameters point at one entry, and
a linked one points at the entry of another peak. An offset or a ratio that is itself fitted is an
entry of its own: `partner`. The area of a doublet's second line needs the third of its entries:
its height is that of the first, times the ratio of areas, over the ratio of widths.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from xpsnet.data.links import Key, Link, parameter_name, resolved
from xpsnet.data.spectrum_arrays import mirror_factors
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.peak_shapes import (
    LineShapes,
    absent_parameters,
    distinct_shapes,
    shape_names,
    shape_parameters_of,
    simplest,
)

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

PLAIN, ADDED, MULTIPLIED, DIVIDED = range(4)
_UNSHARABLE = ("center", "height")
_FITTED = {"": PLAIN, "offset": ADDED, "ratio": MULTIPLIED}
_IN_COUNTS = ("background_constant", "background_slope")


@dataclass(frozen=True)
class Layout:
    """Where every parameter of a model sits in one flat array.

    Attributes
    ----------
    names : tuple of str
        One name per entry, for instance "center_1", "fraction", "background_shirley"; an offset
        or ratio of its own is "center_offset_2" or "height_ratio_2".
    shape_parameters : tuple of str
        Parameters of one peak, in the order of its line shape; of all shapes together where peaks
        have different ones.
    peak_index : ndarray of int, shape (n_peaks, n_shape_parameters)
        Entry that every parameter of every peak follows.
    background_index : ndarray of int, shape (n_terms,)
        Entry of every background coefficient; they come last.
    peak_offset, peak_ratio : ndarray, shape (n_peaks, n_shape_parameters)
        Constants of the links, 0 and 1 by default.
    peak_partner, peak_divisor : ndarray of int, shape (n_peaks, n_shape_parameters)
        Further entries of a link, -1 where there is none.
    peak_operation : ndarray of int, shape (n_peaks, n_shape_parameters)
        Which of the operations above.
    line_shape : str or tuple of str
        Of all peaks, or of each.
    """

    names: tuple[str, ...]
    shape_parameters: tuple[str, ...]
    peak_index: Integers
    background_index: Integers
    peak_offset: Floats = field(default_factory=lambda: np.empty((0, 0)))
    peak_ratio: Floats = field(default_factory=lambda: np.empty((0, 0)))
    peak_partner: Integers = field(default_factory=lambda: np.empty((0, 0), dtype=np.int64))
    peak_divisor: Integers = field(default_factory=lambda: np.empty((0, 0), dtype=np.int64))
    peak_operation: Integers = field(default_factory=lambda: np.empty((0, 0), dtype=np.int64))
    line_shape: LineShapes = "pseudo_voigt"

    def __post_init__(self) -> None:
        """Fill in what a layout without links leaves away."""
        plain = {
            "peak_offset": 0.0,
            "peak_ratio": 1.0,
            "peak_partner": -1,
            "peak_divisor": -1,
            "peak_operation": PLAIN,
        }
        for name, value in plain.items():
            if getattr(self, name).shape != self.peak_index.shape:
                object.__setattr__(self, name, np.full(self.peak_index.shape, value))

    @property
    def n_peaks(self) -> int:
        """Number of peaks."""
        return int(self.peak_index.shape[0])

    @cached_property
    def shape_names(self) -> tuple[str, ...]:
        """Line shape of every peak."""
        return shape_names(self.line_shape, self.n_peaks)

    @cached_property
    def absent(self) -> npt.NDArray[np.bool_]:
        """Parameters that a peak's shape does not have, shape (n_peaks, n_shape_parameters).

        Their entries are held, and nothing depends on them.
        """
        return absent_parameters(self.line_shape, self.n_peaks)

    @cached_property
    def linked(self) -> npt.NDArray[np.bool_]:
        """Which parameters are not simply an entry, shape (n_peaks, n_shape_parameters)."""
        moved = (self.peak_offset != 0) | (self.peak_ratio != 1)
        return np.asarray(moved | (self.peak_operation != PLAIN))

    @cached_property
    def in_counts(self) -> npt.NDArray[np.bool_]:
        """Entries that scale with the counts: heights, constant and slope; (n_parameters,)."""
        scaled = np.array([name in _IN_COUNTS for name in self.names], dtype=bool)
        scaled[self.column("height")] = True
        return scaled

    def column(self, shape_parameter: str) -> Integers:
        """Entry that one shape parameter of every peak follows, shape (n_peaks,)."""
        return self.peak_index[:, self.shape_parameters.index(shape_parameter)]

    def own(self, peaks: int | Integers) -> Integers:
        """Entries that no peaks but these depend on."""
        used = np.stack([self.peak_index, self.peak_partner, self.peak_divisor])
        used[:, self.absent] = -1
        mine = used[:, peaks][used[:, peaks] >= 0]
        return np.setdiff1d(mine, np.delete(used, peaks, axis=1))

    def mirror(self, sign: int) -> Floats:
        """Factors (1 or -1) that take flat parameters to a scale of this sign, and back."""
        return mirror_factors(self.names, sign)

    def on_scale(self, sign: int) -> "Layout":
        """The same layout on the scale of this sign (-1: kinetic), or back from it."""
        if sign > 0 or not self.linked.any():
            return self
        offset = self.peak_offset.copy()
        offset[:, self.shape_parameters.index("center")] *= -1.0
        return replace(self, peak_offset=offset)

    def shapes(self, values: Floats) -> Floats:
        """Physical parameters of the peaks.

        Parameters
        ----------
        values : ndarray, shape (..., n_parameters)
            Flat parameters of one spectrum or many.

        Returns
        -------
        ndarray, shape (..., n_peaks, n_shape_parameters)
        """
        based = values[..., self.peak_index]
        if not self.linked.any():
            return based
        partner, divisor = self._partners(values)
        product = self.peak_ratio * based * np.where(self.peak_operation == ADDED, 1.0, partner)
        added = np.where(self.peak_operation == ADDED, partner, 0.0)
        return np.asarray(self.peak_offset + product / divisor + added)

    def slopes(self, values: Floats) -> tuple[Floats, Floats, Floats]:
        """Derivatives of the physical parameters by the entries that they depend on.

        Parameters
        ----------
        values : ndarray, shape (..., n_parameters)
            Flat parameters of one spectrum or many.

        Returns
        -------
        by_index, by_partner, by_divisor : ndarray, shape (..., n_peaks, n_shape_parameters)
            0 where there is no such entry.
        """
        based = values[..., self.peak_index]
        partner, divisor = self._partners(values)
        operation = self.peak_operation
        by_index = self.peak_ratio * np.where(operation == ADDED, 1.0, partner) / divisor
        times = self.peak_ratio * based / divisor
        by_partner = np.where(operation == ADDED, 1.0, np.where(operation == PLAIN, 0.0, times))
        by_divisor = np.where(operation == DIVIDED, -times * partner / divisor, 0.0)
        return by_index, by_partner, by_divisor

    def by_entries(self, values: Floats, by_shapes: Floats) -> Floats:
        """Derivatives by the flat parameters from those by the physical ones (chain rule).

        Parameters
        ----------
        values : ndarray, shape (..., n_parameters)
            Flat parameters of one spectrum or many.
        by_shapes : ndarray, shape (..., n_peaks, n_shape_parameters, n)
            Derivatives of anything by the physical parameters.

        Returns
        -------
        ndarray, shape (..., n_parameters, n)
            0 for the background coefficients.
        """
        lead = np.broadcast_shapes(values.shape[:-1], by_shapes.shape[:-3])
        total = np.zeros((*lead, len(self.names), by_shapes.shape[-1]))
        plain = not self.linked.any()
        slopes = None if plain else self.slopes(values)
        entries = (self.peak_index, self.peak_partner, self.peak_divisor)
        for k, j in np.ndindex(self.peak_index.shape):
            if slopes is None:
                total[..., self.peak_index[k, j], :] += by_shapes[..., k, j, :]
                continue
            for entry, slope in zip(entries, slopes, strict=True):
                if entry[k, j] >= 0:
                    part = slope[..., k, j, None] * by_shapes[..., k, j, :]
                    total[..., entry[k, j], :] += part
        return total

    def transform(self, values: Floats) -> Floats:
        """Derivatives of the physical by the flat parameters, for errors of the physical ones.

        Parameters
        ----------
        values : ndarray, shape (..., n_parameters)
            Flat parameters of one spectrum or many.

        Returns
        -------
        ndarray, shape (..., n_peaks, n_shape_parameters, n_parameters)
        """
        shape = self.peak_index.shape
        unit = np.eye(self.peak_index.size).reshape(*shape, -1)
        turned = np.moveaxis(self.by_entries(values, unit), -1, -2)
        return turned.reshape(*turned.shape[:-2], *shape, len(self.names))

    def _partners(self, values: Floats) -> tuple[Floats, Floats]:
        """Values of the further entries of the links, 1 where there is none."""
        partner = np.where(self.peak_partner >= 0, values[..., self.peak_partner], 1.0)
        divisor = np.where(self.peak_divisor >= 0, values[..., self.peak_divisor], 1.0)
        return partner, divisor


def make_layout(
    line_shape: LineShapes,
    background: str,
    n_peaks: int,
    shared: tuple[str, ...] = ("fraction",),
    links: tuple[Link, ...] = (),
) -> Layout:
    """Lay out the parameters of `n_peaks` peaks on a background.

    Parameters
    ----------
    line_shape : str or tuple of str
        Key of `LINE_SHAPES`, or one for each peak.
    background : str
        Key of `BACKGROUNDS`.
    n_peaks : int
        Number of peaks, 0 or more.
    shared : tuple of str
        Shape parameters that all peaks have in common; names of other line shapes are ignored.
    links : tuple of Link
        Between these peaks. Those of areas need lines of one shape and widths whose ratio is
        known.

    Raises
    ------
    ValueError
        Where a name is unknown, a center or height is to be shared, or links contradict each
        other.
    """
    if not set(distinct_shapes(line_shape)) <= set(LINE_SHAPES):
        raise ValueError(f"expected line_shape from {sorted(LINE_SHAPES)}, got {line_shape!r}")
    line_shape = simplest(line_shape)
    if background not in BACKGROUNDS:
        raise ValueError(f"expected background from {sorted(BACKGROUNDS)}, got {background!r}")
    known = {name for shape in LINE_SHAPES.values() for name in shape.parameters}
    wrong = [name for name in shared if name not in known or name in _UNSHARABLE]
    if wrong or isinstance(shared, str):
        raise ValueError(
            f"expected shared as a tuple of names from {sorted(known - set(_UNSHARABLE))}, got "
            f"{shared!r}; for instance shared=('fraction', 'fwhm')"
        )
    return _layout(line_shape, background, n_peaks, tuple(shared), tuple(links))


@lru_cache(maxsize=256)
def _layout(
    line_shape: LineShapes,
    background: str,
    n_peaks: int,
    shared: tuple[str, ...],
    links: tuple[Link, ...],
) -> Layout:
    """Lay out checked names; cached, because maps repeat a few layouts many times."""
    shape_parameters = shape_parameters_of(line_shape)
    traced = _without_shared(resolved(links), shared)
    _check_heights(traced)
    names: list[str] = []
    index = np.zeros((n_peaks, len(shape_parameters)), dtype=np.int64)
    for i in range(n_peaks):
        for j, parameter in enumerate(shape_parameters):
            if (parameter, i) in traced or (parameter == "height" and ("area", i) in traced):
                continue
            name = parameter if parameter in shared else parameter_name(parameter, i)
            if name not in names:
                names.append(name)
            index[i, j] = names.index(name)
    for link in traced.values():
        if link.fitted and link.amount not in names:
            names.append(link.amount)
    n_terms = len(BACKGROUNDS[background])
    background_index = np.arange(len(names), len(names) + n_terms)
    terms = [f"background_{term}" for term in BACKGROUNDS[background]]
    layout = Layout(
        (*names, *terms), shape_parameters, index, background_index, line_shape=line_shape
    )
    order = sorted(traced.values(), key=lambda link: link.parameter == "area")
    for link in order:  # heights follow areas and widths, so these are linked before
        _enter(layout, link, traced)
    return layout


def _without_shared(traced: dict[Key, Link], shared: tuple[str, ...]) -> dict[Key, Link]:
    """Links of parameters that peaks do not share; shared ones are equal already."""
    for link in traced.values():
        equal = link.ratio == 1 and link.offset == 0 and not link.fitted
        if link.parameter in shared and not equal:
            raise ValueError(
                f"expected {link.parameter!r} either shared by all peaks or linked, got both; "
                f"leave it out of shared={shared}"
            )
    return {key: link for key, link in traced.items() if link.parameter not in shared}


def _check_heights(traced: Mapping[Key, Link]) -> None:
    """Refuse links of heights and areas that cannot hold together."""
    for parameter, peak in traced:
        if parameter != "area":
            continue
        source = traced["area", peak].source
        both = [number for number in (peak, source) if ("height", number) in traced]
        if both:
            raise ValueError(
                f"expected either the area or the height of peak {both[0] + 1} in links, got both"
            )


def _enter(layout: Layout, link: Link, traced: Mapping[Key, Link]) -> None:
    """Write one link into a new layout."""
    area = link.parameter == "area"
    j = layout.shape_parameters.index("height" if area else link.parameter)
    at = (link.peak, j)
    if layout.absent[[link.peak, link.source], j].any():
        raise ValueError(
            f"expected two peaks that have {link.parameter!r} in links, got {link.name} and "
            f"{link.source_name} of {layout.shape_names[link.peak]} and "
            f"{layout.shape_names[link.source]} lines"
        )
    layout.peak_index[at] = layout.peak_index[link.source, j]
    layout.peak_offset[at], layout.peak_ratio[at] = link.offset, link.ratio
    layout.peak_operation[at] = _FITTED[link.fitted]
    layout.peak_partner[at] = layout.names.index(link.amount) if link.fitted else -1
    if area:
        _divide_by_widths(layout, link, at, traced)


def _divide_by_widths(
    layout: Layout, link: Link, at: tuple[int, int], traced: Mapping[Key, Link]
) -> None:
    """Make a ratio of areas one of heights: lines of one shape have areas as height x width."""
    name = link.name
    if layout.shape_names[link.peak] != layout.shape_names[link.source]:
        raise ValueError(
            f"expected peaks {link.peak + 1} and {link.source + 1} of one shape for the link of "
            f"{name}, got {layout.shape_names[link.peak]} and {layout.shape_names[link.source]}"
        )
    for parameter in layout.shape_parameters[3:]:
        if layout.absent[link.peak, layout.shape_parameters.index(parameter)]:
            continue
        if not _equal(layout, layout.shape_parameters.index(parameter), link):
            raise ValueError(
                f"expected peaks {link.peak + 1} and {link.source + 1} of one shape for the link "
                f"of {name}; share {parameter!r} or link {parameter_name(parameter, link.peak)} to "
                f"{parameter_name(parameter, link.source)}"
            )
    width = layout.shape_parameters.index("fwhm")
    own = traced.get(("fwhm", link.peak))
    other = layout.peak_ratio[link.source, width]
    same = layout.peak_index[link.peak, width] == layout.peak_index[link.source, width]
    clean = layout.peak_operation[link.source, width] == PLAIN and not np.any(
        layout.peak_offset[[link.peak, link.source], width]
    )
    if not same or not clean or (own is not None and own.fitted == "offset"):
        if _equal(layout, width, link):
            return
        raise ValueError(
            f"expected widths of a known ratio for the link of {name}; share 'fwhm', or link "
            f"fwhm_{link.peak + 1} to fwhm_{link.source + 1}, for instance by "
            f'"fwhm_{link.source + 1} * (0.5, 2)"'
        )
    layout.peak_ratio[at] *= other / layout.peak_ratio[link.peak, width]
    if own is not None and own.fitted:
        layout.peak_divisor[at] = layout.names.index(own.amount)
        layout.peak_operation[at] = DIVIDED


def _equal(layout: Layout, j: int, link: Link) -> bool:
    """Whether one shape parameter of both peaks of a link is the same function of theta."""
    parts: tuple[Integers, ...] = (layout.peak_index, layout.peak_partner, layout.peak_operation)
    numbers = (layout.peak_offset, layout.peak_ratio)
    same = all(part[link.peak, j] == part[link.source, j] for part in parts)
    return same and all(part[link.peak, j] == part[link.source, j] for part in numbers)
