"""The keyword `axes` of `read`: names of dimensions that a file leaves without any."""

from collections.abc import Mapping, Sequence

Axes = dict[str, str | int]
_EXAMPLES = 'axes=("angle", "energy") or axes={"energy": "name of the array"}'


def checked_axes(axes: Mapping[str, str | int] | Sequence[str] | None) -> Axes | None:
    """Check the keyword `axes`.

    Parameters
    ----------
    axes : mapping or sequence of str, optional
        Names of all dimensions in their order, or for each name the array that holds its values,
        or the number of the dimension, counted from 0.

    Returns
    -------
    dict or None
        For each name an array or a number.

    Raises
    ------
    ValueError
        If none of the names is energy, or a name or a place stands twice or is none.
    """
    if axes is None:
        return None
    if isinstance(axes, str) or not isinstance(axes, Mapping | Sequence):
        raise ValueError(f"expected names of dimensions, got axes={axes!r}; pass {_EXAMPLES}")
    pairs = (
        list(axes.items()) if isinstance(axes, Mapping) else [(n, i) for i, n in enumerate(axes)]
    )
    found: Axes = {}
    for name, place in pairs:
        is_place = (isinstance(place, str) and place) or (isinstance(place, int) and place >= 0)
        if not isinstance(name, str) or not name or not is_place or isinstance(place, bool):
            raise ValueError(
                f"expected names of dimensions, each with an array or the number of a dimension, "
                f"got {name!r}: {place!r}; pass {_EXAMPLES}"
            )
        found[name] = place
    if "energy" not in found or len(found) < len(pairs) or len(set(found.values())) < len(found):
        raise ValueError(
            f"expected different dimensions, one of them energy, got axes={axes!r}; pass "
            f"{_EXAMPLES}"
        )
    return found
