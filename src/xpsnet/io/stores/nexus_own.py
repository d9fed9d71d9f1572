"""NeXus that `write` has stored: spectra and peaks come back as they were."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.io.common.errors import ReadError, refusal, refusing_damage
from xpsnet.io.stores.attributes import COORDS_ATTR, NAME_ATTR, VERSION_ATTR, restored
from xpsnet.io.stores.tree import StoredArray, Tree

DIMS_ATTR = "xpsnet_dims"
KIND_ATTR = "xpsnet_kind"
_FITTING = "arrays that fit together"
SPECTRA, PEAKS = "spectra", "peaks"
OWN = "xpsnet_spectra"  # collection with the attributes of the arrays in the NXdata beside it


def holds_peaks(path: Path) -> ReadError:
    """The refusal: peaks are not spectra."""
    return refusal(
        path,
        expected="spectra",
        got="peaks that xpsnet.write has stored",
        advice="xpsnet.read_fit reads them",
    )


def read_own_spectra(tree: Tree) -> list[xr.DataArray]:
    """Spectra of a file of xpsnet, in their order; none if it is not ours.

    Raises
    ------
    ReadError
        If the file is damaged or holds peaks only.
    """
    found = [_spectra(tree, group) for group in _groups(tree, SPECTRA)]
    if not found and _groups(tree, PEAKS):
        raise holds_peaks(tree.path)
    return found


def read_own_peaks(tree: Tree) -> list[xr.Dataset]:
    """Peaks of a file of xpsnet; none if it is not ours."""
    return [_peaks(tree, group) for group in _groups(tree, PEAKS)]


def _groups(tree: Tree, kind: str) -> list[str]:
    """Groups of a kind of xpsnet."""
    if VERSION_ATTR not in tree.groups["/"]:
        return []
    return [name for name, attrs in tree.groups.items() if attrs.get(KIND_ATTR) == kind]


def _variables(tree: Tree, group: str, own: str = "") -> dict[str, xr.Variable]:
    """Variables of a group, by name, with their attributes from the group `own` if given."""
    return {array.label: _variable(tree, array, own) for array in tree.members.get(group, [])}


def _variable(tree: Tree, array: StoredArray, own: str) -> xr.Variable:
    """One variable with its dimensions and attributes."""
    beside = tree.groups.get(f"{own}/{array.label}", {})
    attrs = restored(_without_class(beside) if own else array.attrs)
    dims = attrs.pop(DIMS_ATTR, [])
    if not isinstance(dims, list) or len(dims) != len(array.shape):
        raise refusal(
            tree.path, array.name, expected=f"names of {len(array.shape)} dimensions", got=str(dims)
        )
    values = tree.values(array, dims.index("energy") if "energy" in dims else None)
    if array.dtype.kind == "O":
        texts = [one.decode(errors="replace") if isinstance(one, bytes) else str(one)
                 for one in np.asarray(values).ravel()]  # fmt: skip
        values = np.array(texts, dtype=object).reshape(array.shape)
    return _decoded(tree, array, xr.Variable([str(dim) for dim in dims], values, attrs))


def _without_class(attrs: dict[str, Any]) -> dict[str, Any]:
    """Attributes of a group without its class of NeXus."""
    return {key: value for key, value in attrs.items() if key != "NX_class"}


def _decoded(tree: Tree, array: StoredArray, variable: xr.Variable) -> xr.Variable:
    """Times out of numbers, as xarray stores them."""
    is_length = str(variable.attrs.get("dtype", "")).startswith("timedelta64")
    if not is_length and " since " not in str(variable.attrs.get("units", "")):
        return variable
    with refusing_damage(tree.path, array.name, expected="times", advice="it is damaged"):
        decoded = xr.conventions.decode_cf_variable(array.label, variable)
        return xr.Variable(decoded.dims, decoded.values, decoded.attrs)


def _spectra(tree: Tree, group: str) -> xr.DataArray:
    """One array with its coordinates."""
    own = group if group.endswith(f"/{OWN}") else ""  # older files have no such group
    group = f"{group.rpartition('/')[0]}/data" if own else group
    if group not in tree.groups:
        raise refusal(tree.path, group, expected="NXdata with counts", got="no such group")
    variables = _variables(tree, group, own)
    counts = variables.pop(str(tree.groups[group].get("signal", "")), None)
    if counts is None or "energy" not in variables or counts.dtype.kind not in "iuf":
        raise refusal(tree.path, group, expected="counts over energies", got=str(list(variables)))
    variables["energy"].attrs.pop("type", None)
    name = counts.attrs.pop(NAME_ATTR, "")
    with refusing_damage(tree.path, group, expected=_FITTING):
        return xr.DataArray(counts, coords=variables, name=str(name) or None)


def _peaks(tree: Tree, group: str) -> xr.Dataset:
    """One Dataset of peaks."""
    variables: dict[Any, Any] = dict(_variables(tree, group))
    coords = tree.groups[group].get(COORDS_ATTR, [])
    attrs = tree.groups.get(f"{group.rpartition('/')[0]}/attributes", {})
    kept = restored(_without_class(attrs))
    with refusing_damage(tree.path, group, expected=_FITTING):
        peaks = xr.Dataset(variables, attrs=kept)
        return peaks.set_coords([name for name in coords if name in variables])
