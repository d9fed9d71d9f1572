"""Sessions as one netCDF file: arrays in groups, everything else as one text of JSON.

Group `region_0000/spectra` holds the counts, `region_0000/peaks` the fit of many spectra; peaks of
few spectra and peak sets are in the text, as every edited pixel of a map would be a group of
forty arrays. The text is the variable `session` of the root. Attributes are there too, because
netCDF gives not all of them back as they were. Nothing of a file is run or unpickled.
"""

import json
import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.arguments import WrongTypeError, check, shown
from xpsnet.arguments import path as path_rule
from xpsnet.io.common.atomic_write import describing_failure, write_file
from xpsnet.io.common.errors import ReadError, refusal
from xpsnet.io.common.file_bytes import read_head
from xpsnet.io.common.free_memory import free_memory
from xpsnet.io.common.paths import check_place
from xpsnet.io.session_data import Session, SessionRegion
from xpsnet.io.stores.attributes import (
    COORDS_ATTR,
    HDF5_MAGIC,
    NAME_ATTR,
    SESSION_ATTR,
    VERSION_ATTR,
)
from xpsnet.io.stores.plain_data import dataset_of, json_text, plain_attrs, plain_dataset
from xpsnet.io.stores.reader import datasets
from xpsnet.io.stores.tree import Tree, open_tree

SUFFIX = ".xps.nc"
FORMAT = 1
"""Version of the form of the file; a reader refuses newer ones."""

_TEXT = "session"
_COUNTS = "counts"
_HELD = 3  # memory that a file takes while it is made, per byte of its numbers
_SMALL = 200_000  # [bytes] of peaks that stand in the text
_HELD_BESIDE = 16 << 20  # [bytes]
# Attributes by which xarray would change the values of a variable.
_DECODING = ("missing_value", "scale_factor", "add_offset", "coordinates", "calendar", "dtype")
_ADVICE = "open the file that the session was saved in, or a copy of it"
_NOT_THERE = "a session of xpsnet"


def write_session(
    path: str | os.PathLike[str], session: Session, *, overwrite: bool = False
) -> Path:
    """Write a session to one file.

    Parameters
    ----------
    path : path
        The ending ".xps.nc" is added where it is missing.
    session : Session
        Dask arrays are computed.
    overwrite : bool
        Whether to replace a file of this name.

    Returns
    -------
    Path
        The name of the file.

    Raises
    ------
    ValueError
        If an attribute or a name cannot be stored, or the session does not fit in the memory.
    FileExistsError
        If a file of this name exists, and `overwrite` is False.
    OSError
        If the system does not let it be written; what was there before is still there.

    See Also
    --------
    read_session

    Examples
    --------
    >>> import os, tempfile, xpsnet
    >>> session = xpsnet.Session([xpsnet.SessionRegion(xpsnet.sample("line_scan"))])
    >>> path = xpsnet.write_session(os.path.join(tempfile.mkdtemp(), "monday"), session)
    >>> path.name
    'monday.xps.nc'
    >>> xpsnet.read_session(path).identical(session)
    True
    """
    check(locals(), path=path_rule)
    if not isinstance(session, Session):
        raise WrongTypeError(
            f"expected an xpsnet.Session, got session={shown(session)}; make one of regions: "
            f"xpsnet.Session([xpsnet.SessionRegion(spectra)])"
        )
    target = session_path(path)
    groups = _groups(session)
    needed = _HELD * sum(one.nbytes for one in groups.values()) + _HELD_BESIDE
    if needed > (free := free_memory()):
        raise ValueError(
            f"expected a session that fits in the memory, got {needed / 1e9:.3g} GB to write with "
            f"{free / 1e9:.3g} GB free; write the spectra alone as .zarr"
        )
    with describing_failure(target):
        check_place(target, overwrite=bool(overwrite))
        write_file(target, xr.DataTree.from_dict(groups).to_netcdf(engine="h5netcdf"))
    return target


def session_path(path: str | os.PathLike[str]) -> Path:
    """Path with the ending ".xps.nc"; ".nc" alone is replaced."""
    path = Path(path)
    if path.name.lower().endswith(SUFFIX):
        return path
    stem = path.name[:-3] if path.suffix.lower() == ".nc" else path.name
    return path.with_name(f"{stem}{SUFFIX}")


def _groups(session: Session) -> dict[str, xr.Dataset]:
    """Dataset of each group of the file."""
    from xpsnet import __version__

    groups: dict[str, xr.Dataset] = {}
    regions = []
    for number, region in enumerate(session.regions):
        place = f"/region_{number:04d}"
        name = next(n for n in (_COUNTS, "xpsnet_counts") if n not in region.spectra.coords)
        spectra = region.spectra.rename(name).to_dataset()
        described = {
            "name": region.name,
            "steps": [list(step) for step in region.steps],
            "energy_range": region.energy_range,
            "origin": region.origin,
            "settings": region.settings,
            "single": [
                [pixel, None if peaks is None else plain_dataset(peaks.compute())]
                for pixel, peaks in region.single
            ],
            "counts": name,
            "region": None if region.spectra.name is None else str(region.spectra.name),
            "spectra": _put(groups, f"{place}/spectra", spectra),
            "peaks": _put_peaks(groups, f"{place}/peaks", region.peaks),
        }
        if region.spectra.name is not None:
            groups[f"{place}/spectra"][name].attrs[NAME_ATTR] = str(region.spectra.name)
        regions.append(described)
    text = json_text(
        {
            "format": FORMAT,
            "regions": regions,
            "peak_sets": {
                name: plain_dataset(peaks.compute()) for name, peaks in session.peak_sets.items()
            },
            "view": session.view,
        }
    )
    marks = {VERSION_ATTR: str(__version__), SESSION_ATTR: str(FORMAT)}
    root = xr.Dataset({_TEXT: ((), np.array(text, dtype=object))}, attrs=marks)
    return {"/": root, **groups}


def _put_peaks(
    groups: dict[str, xr.Dataset], place: str, peaks: xr.Dataset | None
) -> dict[str, Any] | None:
    """Put peaks into a group; those of few spectra into the description.

    A group of forty arrays takes as long to open as the counts of a hundred regions.
    """
    if peaks is None:
        return None
    if peaks.nbytes <= _SMALL:
        return {"plain": plain_dataset(peaks.compute())}
    return _put(groups, place, peaks)


def _put(groups: dict[str, xr.Dataset], place: str, data: xr.Dataset) -> dict[str, Any]:
    """Put a Dataset into a group; the description of what the group does not hold."""
    odd = [str(name) for name in (*data.variables, *data.dims) if "/" in str(name)]
    if odd:
        raise ValueError(
            f"expected names of coordinates without a slash, got {odd[0]!r}; rename it"
        )
    attrs = {str(k): plain_attrs(v.attrs, str(k)) for k, v in data.variables.items()}
    found: dict[str, Any] = {
        "group": place,
        "coords": [str(name) for name in data.coords],
        "variables": attrs,
        "attrs": plain_attrs(data.attrs, "the data"),
        "types": {str(k): v.dtype.str for k, v in data.variables.items() if v.dtype.kind in "mMbU"},
    }
    beside = [str(k) for k in data.coords if k not in data.dims]
    native = _native(found["attrs"])
    data = data.drop_encoding().reset_coords(beside)
    data.attrs = native | ({COORDS_ATTR: beside} if beside else {})
    for name, variable in data.variables.items():
        kind = variable.dtype.kind
        if kind in "mM":  # as whole numbers, which come back as they are
            data = data.assign(
                {name: (variable.dims, np.asarray(variable.values).astype(np.int64))}
            )
        elif kind not in "biufUO" or (
            kind == "O" and not all(isinstance(v, str) for v in np.asarray(variable.values).ravel())
        ):
            raise ValueError(f"expected numbers or texts, got dtype {variable.dtype} for {name!r}")
    for name, variable in data.variables.items():
        variable.attrs = _native(attrs.get(str(name), {}))
    groups[place] = data
    return found


def _native(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes that netCDF holds and that change no values, for `read` and other programs.

    What counts for a session is the text.
    """
    return {
        key: value
        for key, value in attrs.items()
        if key.isidentifier() and key[0] != "_" and key not in _DECODING and _is_native(value)
    }


def _is_native(value: Any) -> bool:
    """Whether netCDF has a type for a value."""
    if isinstance(value, str):
        return value.isprintable() and " since " not in value
    if isinstance(value, list):
        return len(value) > 1 and all(type(one) is float for one in value)
    return isinstance(value, float) or (type(value) is int and abs(value) < 1 << 62)


def is_session(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a session, by its mark; False for everything that cannot be opened."""
    path = Path(path)
    try:
        if not path.is_file() or not read_head(path).startswith(HDF5_MAGIC):
            return False
        with open_tree(path) as tree:
            return SESSION_ATTR in tree.groups.get("/", {})
    except (ReadError, OSError):
        return False


def read_session(path: str | os.PathLike[str]) -> Session:
    """Read a session that `write_session` has written.

    Parameters
    ----------
    path : path

    Returns
    -------
    Session
        Equal to the one that was written, in memory.

    Raises
    ------
    ReadError
        If the file is no session, is damaged, or was written by a newer version.

    See Also
    --------
    write_session

    Examples
    --------
    >>> import os, tempfile, xpsnet
    >>> region = xpsnet.SessionRegion(xpsnet.sample("spectrum"), energy_range=(281.0, 292.0))
    >>> folder = tempfile.mkdtemp()
    >>> path = xpsnet.write_session(os.path.join(folder, "tuesday"), xpsnet.Session([region]))
    >>> xpsnet.read_session(path).regions[0].energy_range
    (281.0, 292.0)
    """
    check(locals(), path=path_rule)
    path = Path(path)
    with open_tree(path) as tree:
        tree.refuse_outside()
        tree.refuse_odd()
        number = tree.groups.get("/", {}).get(SESSION_ATTR)
        if number is None:
            advice = "xpsnet.read gives spectra, xpsnet.read_fit peaks"
            raise refusal(path, expected=_NOT_THERE, got="another file", advice=advice)
        if str(number) not in map(str, range(1, FORMAT + 1)):
            raise refusal(
                path, expected=f"a session of version {FORMAT} or older", got=f"version {number}",
                advice="install a newer xpsnet",
            )  # fmt: skip
        found = _content(path, tree)
    try:
        return _session(found["text"], found["groups"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, ReadError):
            raise
        said = " ".join(str(error).split())[:200]
        kind = type(error).__name__
        raise refusal(path, expected=_NOT_THERE, got=f"{kind}: {said}", advice=_ADVICE) from error


def _content(path: Path, tree: Tree) -> dict[str, Any]:
    """Text and groups of the file."""
    groups: dict[str, xr.Dataset] = {}
    with closing(datasets(path, sorted(tree.members))) as opened:
        for name, data in opened:
            groups["/" + name.strip("/")] = data.load()
    root = groups.get("/")
    try:
        text = json.loads(str(root[_TEXT].values.item()))  # type: ignore[index]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise refusal(path, expected=_NOT_THERE, got="no description", advice=_ADVICE) from error
    return {"text": text, "groups": groups}


def _session(text: Mapping[str, Any], groups: Mapping[str, xr.Dataset]) -> Session:
    """The session that text and groups describe."""
    regions = []
    for one in text["regions"]:
        spectra = _taken(one["spectra"], groups)[one["counts"]].rename(one["region"])
        ends = one["energy_range"]
        regions.append(
            SessionRegion(
                spectra,
                name=str(one["name"]),
                steps=[(name, given) for name, given in one["steps"]],
                energy_range=None if ends is None else (ends[0], ends[1]),
                peaks=_peaks(one["peaks"], groups),
                single=[(p, None if d is None else dataset_of(d)) for p, d in one["single"]],
                origin=one["origin"],
                settings=one["settings"],
            )
        )
    sets = {name: dataset_of(one) for name, one in text["peak_sets"].items()}
    return Session(regions, sets, text["view"])


def _peaks(
    described: Mapping[str, Any] | None, groups: Mapping[str, xr.Dataset]
) -> xr.Dataset | None:
    """Peaks of a region, from the text or from their group."""
    if described is None:
        return None
    return dataset_of(described["plain"]) if "plain" in described else _taken(described, groups)


def session_fits(path: Path) -> list[xr.Dataset]:
    """Fits of all spectra in a session.

    Raises
    ------
    ReadError
        If there are none.
    """
    found = [one.peaks for one in read_session(path).regions if one.peaks is not None]
    if not found:
        advice = "xpsnet.read_session gives the peaks of single spectra"
        raise refusal(path, expected="fits of all spectra", got="none", advice=advice)
    return found


def _taken(described: Mapping[str, Any], groups: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """A Dataset of a group with its coordinates and attributes."""
    data = groups[described["group"]]
    for name, dtype in described["types"].items():
        kind = np.dtype(dtype)
        if kind.kind not in "mMbU":
            raise ValueError(f"expected a time, a truth or a text, got {dtype}")
        values = data[name].values.astype(kind)
        data = data.assign({name: (data[name].dims, values)})
    data = data.set_coords([name for name in described["coords"] if name in data])
    data.attrs = dict(described["attrs"])
    for name, attrs in described["variables"].items():
        data[name].attrs = dict(attrs)
    return data.drop_encoding()
