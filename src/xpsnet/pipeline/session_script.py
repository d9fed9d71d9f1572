"""A session as Python code that makes it again, to the last bit."""

import base64
import warnings
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import WrongTypeError, shown
from xpsnet.io.read import read
from xpsnet.io.session_data import Session, SessionRegion
from xpsnet.io.stores.plain_data import plain_attrs, plain_value

_LONG = 60  # numbers of an array above which it is packed
_WIDTH = 88
_FITS = ("fit", "predict")
_UNPACK = '''

def unpacked(text, dtype, shape):
    """An array from packed text."""
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype).reshape(shape).copy()

'''


def session_script(session: Session) -> str:
    """Python code that makes a session again, to the last bit.

    Spectra are read from their file, or taken from the samples, where that gives the same numbers
    today; all others stand in the code. A fit that ``settings["fit"]`` describes is made again;
    peaks that were changed by hand stand in the code with every digit.

    Parameters
    ----------
    session : Session

    Returns
    -------
    str
        Code whose last statement defines `session`. It may be long where spectra are in it.

    Raises
    ------
    ValueError
        If an attribute is no number, text, list or mapping of such.

    See Also
    --------
    write_session : a file, which is smaller and faster.

    Examples
    --------
    >>> import xpsnet
    >>> region = xpsnet.SessionRegion(
    ...     xpsnet.sample("spectrum"), origin={"call": "sample", "name": "spectrum"}
    ... )
    >>> code = xpsnet.session_script(xpsnet.Session([region]))
    >>> print(code.splitlines()[2])
    # C 1s
    >>> made = {}
    >>> exec(code, made)
    >>> made["session"].regions[0].identical(region)
    True
    """
    if not isinstance(session, Session):
        raise WrongTypeError(
            f"expected an xpsnet.Session, got session={shown(session)}; make one of regions: "
            f"xpsnet.Session([xpsnet.SessionRegion(spectra)])"
        )
    lines: list[str] = []
    for number, region in enumerate(session.regions, start=1):
        lines += _region_lines(region, number)
    sets = []
    for number, (name, peaks) in enumerate(session.peak_sets.items(), start=1):
        lines += [f"# Peak set {name!r}", *_dataset_lines(f"peak_set_{number}", peaks), ""]
        sets.append(f"{name!r}: peak_set_{number}")
    names = ", ".join(f"region_{k + 1}" for k in range(len(session.regions)))
    lines += [
        "session = xpsnet.Session(",
        f"    [{names}],",
        f"    {{{', '.join(sets)}}},",
        f"    {_text(session.view)},",
        ")",
    ]
    body = "\n".join(lines) + "\n"
    used = [name for name in ("np", "xr") if f"{name}." in body]
    imports = [{"np": "import numpy as np", "xr": "import xarray as xr"}[name] for name in used]
    packed = "unpacked(" in body
    if packed:
        imports = ["import base64", "import zlib", "", "import numpy as np", *imports[1:]]
    if "nan" in body or "inf" in body:
        imports.append("from numpy import inf, nan")
    head = "\n".join([*imports, "import xpsnet"])
    return head + (_UNPACK if packed else "\n") + "\n" + body


def _region_lines(region: SessionRegion, number: int) -> list[str]:
    """Code of one region."""
    lines = [f"# {region.name}".rstrip(), *_spectra_lines(region), f"steps = {_text(region.steps)}"]
    given = ["spectra", f"name={region.name!r}", "steps=steps"]
    if region.energy_range is not None:
        given.append(f"energy_range={region.energy_range!r}")
    call = _fit_call(region)
    if region.peaks is not None:
        if call:
            lines += ["region = xpsnet.SessionRegion(spectra, steps=steps)", call]
        else:
            lines += _dataset_lines("peaks", region.peaks)
        given.append("peaks=peaks")
    if region.single:
        lines.append("single = []")
        for pixel, peaks in region.single:
            if peaks is None:
                lines.append(f"single.append(({pixel!r}, None))")
            else:
                lines += _dataset_lines("one", peaks)
                lines.append(f"single.append(({pixel!r}, one))")
        given.append("single=single")
    for name, value in (("origin", region.origin), ("settings", region.settings)):
        if value:
            given.append(f"{name}={_text(value)}")
    inside = [f"    {one}," for one in given]
    return [*lines, f"region_{number} = xpsnet.SessionRegion(", *inside, ")", ""]


def _fit_call(region: SessionRegion) -> str:
    """Line that makes the fit of all spectra again; "" where it is not known."""
    described = region.settings.get("fit")
    if not isinstance(described, Mapping) or described.get("function") not in _FITS:
        return ""
    keywords = "".join(f", {key}={_text(one)}" for key, one in described["keywords"].items())
    return f"peaks = xpsnet.{described['function']}(region.on_axis(){keywords})"


def _spectra_lines(region: SessionRegion) -> list[str]:
    """Lines that read the spectra, or that hold them."""
    origin = region.origin
    if origin.get("call") == "sample":
        from xpsnet.samples import sample

        if _is_same(lambda: sample(origin["name"]), region.spectra):
            return [f"spectra = xpsnet.sample({origin['name']!r})"]
    if origin.get("call") == "read":
        given = {"region": origin.get("region", 0), **dict(origin.get("given", {}))}

        def again() -> xr.DataArray:
            (found,) = read(origin["name"], **given)
            return found

        if _is_same(again, region.spectra):
            keywords = ", ".join(f"{key}={_text(one)}" for key, one in given.items())
            return [f"spectra = xpsnet.read_one({_text(origin['name'])}, {keywords})"]
    return _array_lines("spectra", region.spectra)


def _is_same(make: Any, spectra: xr.DataArray) -> bool:
    """Whether a source gives these spectra today."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return bool(make().identical(spectra))
        except (OSError, ValueError, TypeError, KeyError):
            return False


def _array_lines(name: str, data: xr.DataArray) -> list[str]:
    """Statement that makes a DataArray."""
    dims, values, attrs = _variable(data.variable, name)
    return [
        f"{name} = xr.DataArray(",
        f"    {values},",
        f"    dims={dims},",
        "    coords={",
        *_variables_lines(data.coords),
        "    },",
        f"    name={data.name!r},",
        f"    attrs={attrs},",
        ")",
    ]


def _dataset_lines(name: str, data: xr.Dataset) -> list[str]:
    """Statement that makes a Dataset."""
    return [
        f"{name} = xr.Dataset(",
        "    {",
        *_variables_lines(data.data_vars),
        "    },",
        "    coords={",
        *_variables_lines(data.coords),
        "    },",
        f"    attrs={_text(plain_attrs(data.attrs, name))},",
        ")",
    ]


def _variables_lines(variables: Mapping[Any, xr.DataArray]) -> list[str]:
    """One line or more for each variable."""
    return [
        f"        {str(name)!r}: ({', '.join(_variable(one.variable, name))}),"
        for name, one in variables.items()
    ]


def _variable(variable: xr.Variable, name: Any) -> tuple[str, str, str]:
    """Dimensions, values and attributes as code."""
    dims = repr(tuple(str(dim) for dim in variable.dims))
    attrs = plain_attrs(variable.attrs, str(name))
    return dims, _values(np.asarray(variable.values), str(name)), _text(attrs)


def _values(values: npt.NDArray[Any], name: str) -> str:
    """An array as code."""
    kind = values.dtype.kind
    if kind == "U" or (kind == "O" and all(isinstance(one, str) for one in values.ravel())):
        return f"np.array({_text(values.tolist())}, dtype=object)"
    if kind not in "biufmM":
        raise ValueError(f"expected numbers or texts, got dtype {values.dtype} for {name}")
    dtype = values.dtype.str if kind in "mM" else values.dtype.name
    if values.size > _LONG or kind in "mM":
        contiguous = np.ascontiguousarray(values)
        packed = base64.b64encode(zlib.compress(contiguous.tobytes(), 6)).decode("ascii")
        parts = [packed[i : i + _WIDTH] for i in range(0, len(packed), _WIDTH)]
        text = "\n            ".join(f'"{one}"' for one in parts)
        return (
            f"unpacked(\n            {text},\n            {dtype!r}, {values.shape!r},\n        )"
        )
    return f"np.array({_text(values.tolist())}, dtype={dtype!r})"


def _text(value: Any) -> str:
    """A plain value as code, to the last bit."""
    if isinstance(value, tuple):
        inside = ", ".join(_text(one) for one in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return repr(plain_value(value, "the session"))
