"""Curves over depth, position, time or angle as a figure, with error bands."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import WrongTypeError, check, number, optional, pair, shown, text
from xpsnet.arguments import figure as figure_rule
from xpsnet.chemistry.quantify import row_names
from xpsnet.plotting import PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["plot_profile"]

Floats = npt.NDArray[np.float64]

_REACH = 1.96  # standard errors of a 95 % interval
_ROWS = ("region", "row", "peak")
_PERCENT = {"atomic_fraction": "Atomic fraction [at.%]", "area_percent": "Share of the area [%]"}


def plot_profile(
    data: xr.Dataset,
    quantity: str | None = None,
    *,
    along: str | None = None,
    sputter_rate: float | None = None,
    size: tuple[float, float] = (6.4, 4.0),
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """Draw a quantity of all regions, states or peaks along a scan, with 95 % error bands.

    Parameters
    ----------
    data : Dataset
        From `xpsnet.quantify` or `xpsnet.profile`, over one dimension besides its rows.
    quantity : str, optional
        "atomic_fraction" (drawn in percent), "area_percent", "area", "center", "fwhm" or another
        variable over both dimensions. By default the first of these that is there.
    along : str, optional
        The horizontal axis: the dimension, or a coordinate over it. By default the dimension.
    sputter_rate : float, optional
        [nm per unit of `along`]; then the axis is the depth [nm].
    size : (float, float)
        Width and height [inch].
    figure : Figure or SubFigure, optional
        Draw into this figure instead of a new one.

    Returns
    -------
    Figure
        The bands are value +- 1.96 standard errors of the noise; systematic uncertainties, which
        all points of a curve share, are not in them.

    Raises
    ------
    ValueError
        Where the data have another number of dimensions, or no such quantity or coordinate.

    Examples
    --------
    >>> import xpsnet
    >>> from xpsnet.samples import sample_truth
    >>> figure = xpsnet.profile(sample_truth("line_scan")).xps.plot_profile()
    >>> figure.axes[0].get_ylabel()
    'Share of the area [%]'
    """
    check(
        locals(),
        quantity=optional(text("atomic_fraction")),
        along=optional(text("etch_time")),
        sputter_rate=optional(number(above=0, unit="nm per unit")),
        size=pair("(6.4, 4.0)", above=0, most=1000),
        figure=optional(figure_rule),
    )
    if not isinstance(data, xr.Dataset):
        raise WrongTypeError(
            f"expected a Dataset from quantify or profile, got data={shown(data)}; pass one"
        )
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    name = _quantity(data, quantity)
    values = data[name]
    row = next(dim for dim in _ROWS if dim in values.dims)
    others = [dim for dim in values.dims if dim != row]
    if len(others) != 1:
        raise ValueError(
            f"expected one dimension besides {row!r}, got {tuple(map(str, others))}; of a map "
            f"choose a row or a column with isel"
        )
    axis = data[along] if along is not None and along in data.coords else None
    if along is not None and (axis is None or axis.dims != (others[0],)):
        known = [str(key) for key, one in data.coords.items() if one.dims == (others[0],)]
        raise ValueError(f"expected one of the coordinates {known} as along, got {along!r}")
    axis = data[others[0]] if axis is None else axis
    if figure is None:
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    at = np.asarray(axis.values, dtype=np.float64) * (sputter_rate or 1.0)
    _draw(axes, at, data, name, (str(row), str(others[0])))
    unit = f" [{axis.attrs['units']}]" if axis.attrs.get("units") else ""
    label = f"{axis.attrs.get('long_name', str(axis.name).replace('_', ' '))}{unit}"
    axes.set_xlabel("Depth [nm]" if sputter_rate else label)
    usual = f"{values.attrs.get('long_name', name)} [{values.attrs.get('units', '1')}]"
    axes.set_ylabel(_PERCENT.get(name, usual))
    whole: Figure = axes.figure.figure
    return whole


def _quantity(data: xr.Dataset, given: str | None) -> str:
    """Name of the variable that is drawn."""
    usable = [
        str(name)
        for name, one in data.data_vars.items()
        if one.dtype.kind == "f" and set(_ROWS) & set(one.dims) and one.ndim > 1
    ]
    usual = [one for one in ("atomic_fraction", "area_percent", "area", "center") if one in usable]
    if given is None and usual:
        return usual[0]
    if given is None or given not in usable:
        wanted = "a variable over peaks or regions and a scan"
        raise ValueError(f"expected {wanted}, {usable}, got quantity={given!r}; pass one of them")
    return given


def _peak_names(data: xr.Dataset) -> list[str]:
    """Labels of the peaks of a profile, or their numbers."""
    numbers = [f"peak {number}" for number in data["peak"].values]
    labels = [str(one) for one in data["label"].values] if "label" in data else numbers
    both = zip(labels, numbers, strict=True)
    return [label if label not in ("", "nan") else usual for label, usual in both]


def _draw(axes: "Axes", at: Floats, data: xr.Dataset, name: str, dims: tuple[str, str]) -> None:
    """Curves and bands of all rows."""
    factor = 100.0 if name == "atomic_fraction" else 1.0
    row, other = dims
    names = row_names(data) if "region" in data.coords else _peak_names(data)
    stderr = data.get(f"{name}_stderr")
    order = np.argsort(at)
    for k in range(data.sizes[row]):
        one = factor * data[name].isel({row: k}).transpose(other).values
        if not np.isfinite(one).any():
            continue
        color = PALETTE[k % len(PALETTE)]
        axes.plot(at[order], one[order], ".-", color=color, label=names[k], linewidth=1.2)
        if stderr is not None:
            half = _REACH * factor * stderr.isel({row: k}).values
            low, high = (one - half)[order], (one + half)[order]
            axes.fill_between(at[order], low, high, color=color, alpha=0.25, linewidth=0)
    axes.legend(frameon=False)
    axes.margins(x=0.02)
