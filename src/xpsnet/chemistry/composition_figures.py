"""Figures of quantities: curves along a scan with error bands, images of maps with color bars."""

from typing import TYPE_CHECKING, Literal

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

__all__ = ["plot_map", "plot_profile"]

Floats = npt.NDArray[np.float64]

_REACH = 1.96  # standard errors of a 95 % interval
_ROWS = ("region", "row", "peak")
_MOST_COLUMNS = 4
_PANEL = (3.2, 2.8)  # [inch]
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
    name, row, others = _quantity(data, quantity)
    if len(others) != 1:
        raise ValueError(
            f"expected one dimension besides {row!r}, got {tuple(others)}; of a map choose a row "
            f"or a column with isel"
        )
    axis = data[along] if along is not None and along in data.coords else None
    if along is not None and (axis is None or axis.dims != (others[0],)):
        known = [str(key) for key, one in data.coords.items() if one.dims == (others[0],)]
        raise ValueError(f"expected one of the coordinates {known} as along, got {along!r}")
    axis = data[others[0]] if axis is None else axis
    axes = (_new_figure(size) if figure is None else figure).add_subplot()
    at = _numbers(axis) * (sputter_rate or 1.0)
    _draw(axes, at, data, name, (row, others[0]))
    axes.set_xlabel("Depth [nm]" if sputter_rate else _axis_label(axis))
    axes.set_ylabel(_label(data, name))
    whole: Figure = axes.figure.figure
    return whole


def plot_map(
    data: xr.Dataset,
    quantity: str | None = None,
    *,
    size: tuple[float, float] | None = None,
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """Draw a quantity of all regions, states or peaks of a map as images with color bars.

    Parameters
    ----------
    data : Dataset
        From `xpsnet.quantify`, or peaks, over two dimensions besides their rows: the first is
        vertical.
    quantity : str, optional
        As for `plot_profile`.
    size : (float, float), optional
        Width and height [inch]; by default 3.2 x 2.8 for each image.
    figure : Figure or SubFigure, optional
        Draw into this figure instead of a new one.

    Returns
    -------
    Figure
        Colors go from the 1st to the 99th percentile of each image; places without a value are
        gray.

    Raises
    ------
    ValueError
        Where the data have another number of dimensions, or no such quantity.

    Examples
    --------
    >>> import xpsnet
    >>> from xpsnet.samples import sample_truth
    >>> figure = sample_truth("map").xps.plot_map("area")
    >>> figure.axes[0].get_title()
    'C-C / C-H'
    """
    check(
        locals(),
        quantity=optional(text("atomic_fraction")),
        size=optional(pair("(6.4, 4.0)", above=0, most=1000)),
        figure=optional(figure_rule),
    )
    name, row, others = _quantity(data, quantity)
    if len(others) != 2:
        raise ValueError(
            f"expected two dimensions besides {row!r}, got {tuple(others)}; plot_profile draws a "
            f"scan"
        )
    images = data[name].transpose(row, *others)
    columns = min(images.sizes[row], _MOST_COLUMNS)
    lines = -(-images.sizes[row] // columns)
    usual = (_PANEL[0] * columns, _PANEL[1] * lines)
    # Images keep their shape: this layout makes color bars as high as they are.
    whole = _new_figure(size or usual, "compressed") if figure is None else figure
    factor = 100.0 if name == "atomic_fraction" else 1.0
    x, y = data[others[1]], data[others[0]]
    for k, title in enumerate(_names(data)):
        axes = whole.add_subplot(lines, columns, k + 1)
        values = factor * np.asarray(images.isel({row: k}).values, dtype=np.float64)
        known = values[np.isfinite(values)]
        low, high = np.percentile(known, [1, 99]) if known.size else (0.0, 1.0)
        axes.set_facecolor("0.7")
        drawn = axes.pcolormesh(
            _numbers(x), _numbers(y), np.ma.masked_invalid(values), vmin=low, vmax=high,
            cmap="viridis", shading="nearest", rasterized=True,
        )  # fmt: skip
        axes.set(title=title, xlabel=_axis_label(x), ylabel=_axis_label(y), aspect="equal")
        axes.figure.colorbar(drawn, ax=axes, label=_label(data, name))
    top: Figure = whole.figure
    return top


def _new_figure(
    size: tuple[float, float], layout: Literal["constrained", "compressed"] = "constrained"
) -> "Figure":
    """An empty figure, without pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def _numbers(axis: xr.DataArray) -> Floats:
    """Values of an axis, or their places where they are no numbers."""
    if axis.dtype.kind not in "iuf":
        return np.arange(axis.size, dtype=np.float64)
    return np.asarray(axis.values, dtype=np.float64)


def _axis_label(axis: xr.DataArray) -> str:
    """Name and unit of a coordinate."""
    unit = f" [{axis.attrs['units']}]" if axis.attrs.get("units") else ""
    return f"{axis.attrs.get('long_name', str(axis.name).replace('_', ' '))}{unit}"


def _label(data: xr.Dataset, name: str) -> str:
    """Name and unit of a quantity."""
    attrs = data[name].attrs
    return _PERCENT.get(name, f"{attrs.get('long_name', name)} [{attrs.get('units', '1')}]")


def _names(data: xr.Dataset) -> list[str]:
    """Names of the rows."""
    return row_names(data) if "region" in data.coords else _peak_names(data)


def _quantity(data: xr.Dataset, given: str | None) -> tuple[str, str, list[str]]:
    """Variable that is drawn, the dimension of its rows, and its other dimensions."""
    if not isinstance(data, xr.Dataset):
        raise WrongTypeError(
            f"expected a Dataset from quantify or profile, got data={shown(data)}; pass one"
        )
    usable = [
        str(name)
        for name, one in data.data_vars.items()
        if one.dtype.kind == "f" and set(_ROWS) & set(one.dims) and one.ndim > 1
    ]
    usual = [one for one in ("atomic_fraction", "area_percent", "area", "center") if one in usable]
    if given is None and usual:
        given = usual[0]
    if given is None or given not in usable:
        wanted = "a variable over peaks or regions and a scan"
        raise ValueError(f"expected {wanted}, {usable}, got quantity={given!r}; pass one of them")
    dims = data[given].dims
    row = next(dim for dim in _ROWS if dim in dims)
    return given, row, [str(dim) for dim in dims if dim != row]


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
    names = _names(data)
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
