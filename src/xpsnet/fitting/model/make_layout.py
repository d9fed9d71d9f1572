"""Layouts from names: which parameters a model has, which peaks share them, which are linked."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from xpsnet.fitting.model.links import Key, Link, parameter_name, resolved
from xpsnet.fitting.model.parameter_map import ADDED, DIVIDED, MULTIPLIED, PLAIN, Integers, Layout
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.numerics.lineshapes import LINE_SHAPES

_UNSHARABLE = ("center", "height")
_FITTED = {"": PLAIN, "offset": ADDED, "ratio": MULTIPLIED}


def make_layout(
    line_shape: str,
    background: str,
    n_peaks: int,
    shared: tuple[str, ...] = ("fraction",),
    links: tuple[Link, ...] = (),
) -> Layout:
    """Lay out the parameters of `n_peaks` peaks on a background.

    Parameters
    ----------
    line_shape, background : str
        Keys of `LINE_SHAPES` and `BACKGROUNDS`.
    n_peaks : int
        Number of peaks, 0 or more.
    shared : tuple of str
        Shape parameters that all peaks have in common; those that the shape does not have are
        passed over.
    links : tuple of Link
        Between these peaks. Those of areas need lines of one shape and widths whose ratio is
        known.

    Raises
    ------
    ValueError
        Where a name is unknown, a center or height is to be shared, or links contradict each
        other.
    """
    if line_shape not in LINE_SHAPES:
        raise ValueError(f"expected line_shape from {sorted(LINE_SHAPES)}, got {line_shape!r}")
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
    line_shape: str, background: str, n_peaks: int, shared: tuple[str, ...], links: tuple[Link, ...]
) -> Layout:
    """Lay out checked names; cached, because maps repeat a few layouts many times."""
    shape_parameters = LINE_SHAPES[line_shape].parameters
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
    layout = Layout((*names, *terms), shape_parameters, index, background_index)
    order = sorted(traced.values(), key=lambda link: link.parameter == "area")
    for link in order:  # heights follow areas and widths, so these are linked before
        _enter(layout, link, traced)
    return layout


def _without_shared(traced: dict[Key, Link], shared: tuple[str, ...]) -> dict[Key, Link]:
    """Links of parameters that peaks do not share; equality of shared ones goes without saying."""
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
    for parameter in layout.shape_parameters[3:]:
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
