"""What a stored fit remembers: the plan of the fit, and what it was asked, both as JSON.

The plan is made once, from a fixed sample of the spectra, and every later run takes it from the
store: so all blocks have the same noise, background, model and states, whichever machine computes
them. Only the classes named here are made from a file, and nothing of it is run.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xpsnet import __version__
from xpsnet.data.constraints import Constraints
from xpsnet.data.levels import DoubletRange
from xpsnet.data.links import Link
from xpsnet.fitting.maps.chemical_states import States
from xpsnet.fitting.model.doublets import Doublet
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.model.parameter_map import Layout
from xpsnet.fitting.select.model_choice import Question, Structure, Template
from xpsnet.fitting.select.state_models import StateKind, StateModel
from xpsnet.fitting.solve.fit_results import FitResults
from xpsnet.fitting.solve.point_noise import NoiseChoice
from xpsnet.io.stores.plain_data import array_of, plain_array
from xpsnet.models.prediction import PredictOptions
from xpsnet.models.weights import Model, load_model
from xpsnet.numerics.known_lines import Known
from xpsnet.numerics.noise import NoiseModel
from xpsnet.pipeline.outcome import Chosen, FindOptions, Outcome, Overview

_CLASSES: dict[str, Any] = {
    one.__name__: one
    for one in (
        Chosen,
        Constraints,
        Doublet,
        DoubletRange,
        FindOptions,
        FitOptions,
        FitResults,
        Known,
        Layout,
        Link,
        NoiseChoice,
        NoiseModel,
        Outcome,
        Overview,
        PredictOptions,
        Question,
        StateKind,
        StateModel,
        States,
        Structure,
        Template,
    )
}
_CLASS, _TUPLE, _ARRAY, _MODEL = "class", "tuple", "array", "model"

# Arguments of `fit` that change no result.
_FREE = {"spectra", "device", "batch_size", "progress", "cancel", "dim"}
# Attributes of spectra that a move of the file changes.
_MOVED = {"source_file"}
# Blocks whose numbers tell whether spectra are the same.
_LOOKED_AT = 8


@dataclass(frozen=True)
class Decided:
    """What a plan holds beside the spectra, and what blocks need of the whole map.

    Attributes
    ----------
    options : FindOptions
    look : Overview
    noise : NoiseChoice or None
        None where the caller gives an array.
    background : str or None
        Likewise.
    attrs : dict
        As in `Plan`.
    layout : Layout or None
        Of the fits of single spectra; known after the first of them.
    """

    options: FindOptions
    look: Overview
    noise: NoiseChoice | None
    background: str | None
    attrs: dict[str, Any]
    layout: Layout | None = None

    @property
    def has_own_noise(self) -> bool:
        """Whether the noise of every spectrum is estimated from itself."""
        return self.noise is not None and self.noise.model is None


_CLASSES["Decided"] = Decided


def as_json(value: Any) -> Any:
    """Dataclasses, arrays and tuples as JSON holds them; `from_json` gives back the same."""
    if isinstance(value, Model):
        return {_MODEL: value.name}
    if is_dataclass(value) and type(value).__name__ in _CLASSES:
        inside = {one.name: as_json(getattr(value, one.name)) for one in fields(value)}
        return {_CLASS: type(value).__name__, "fields": inside}
    if isinstance(value, np.ndarray):
        return {_ARRAY: plain_array(value, "the plan of a fit")}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple):
        return {_TUPLE: [as_json(one) for one in value]}
    if isinstance(value, list):
        return [as_json(one) for one in value]
    if isinstance(value, Mapping):
        return {"mapping": {str(name): as_json(one) for name, one in value.items()}}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"expected what JSON can hold, got {type(value).__name__}")


def from_json(found: Any, model: Model) -> Any:
    """What `as_json` was given, with this network.

    Raises
    ------
    ValueError, TypeError, KeyError
        Where the text is damaged.
    """
    if isinstance(found, list):
        return [from_json(one, model) for one in found]
    if not isinstance(found, dict):
        return found
    if _MODEL in found:
        return model
    if _CLASS in found:
        inside = {name: from_json(one, model) for name, one in found["fields"].items()}
        return _CLASSES[found[_CLASS]](**inside)
    if _ARRAY in found:
        return array_of(found[_ARRAY])
    if _TUPLE in found:
        return tuple(from_json(one, model) for one in found[_TUPLE])
    return {name: from_json(one, model) for name, one in found["mapping"].items()}


def without_callables(options: FindOptions) -> FindOptions:
    """Options that can be stored: cancel belongs to a call."""
    bare = options.without_cancel()
    if bare.chosen is None:
        return bare
    chosen = bare.chosen
    question = replace(chosen.question, options=replace(chosen.question.options, cancel=None))
    fit = replace(chosen.options, cancel=None)
    return replace(bare, chosen=replace(chosen, question=question, options=fit))


def asked_for(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `fit` that decide its result, the network and the version, as plain values."""
    model = load_model(asked["model"])
    found = {name: _plain(value) for name, value in asked.items() if name not in _FREE}
    weights = str(model.card["files"].get(f"{model.name}.npz", ""))
    found["model"] = f"{model.name}, weights {weights}"
    found["version of xpsnet"] = str(__version__).partition("+")[0]
    return found


def _plain(value: Any) -> Any:
    """An argument as JSON gives it back; arrays by their digest."""
    if isinstance(value, xr.DataArray):
        return f"an array over {value.dims} of shape {value.shape}, sha256 {_digest(value.values)}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}, sha256 {_digest(value)}"
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Doublet):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def spectra_seen(spectra: xr.DataArray, blocks: Sequence[Mapping[str, slice]]) -> dict[str, Any]:
    """What tells spectra from others: sizes, type, axes, attributes, and numbers of some blocks."""
    n = min(len(blocks), _LOOKED_AT)
    looked_at = [blocks[k * (len(blocks) - 1) // max(n - 1, 1)] for k in range(n)]
    numbers = hashlib.sha256()
    for place in looked_at:
        numbers.update(np.ascontiguousarray(spectra.isel(place).values).tobytes())
    coords = {str(k): c for k, c in spectra.coords.items()}
    attrs = {str(k): str(v) for k, v in spectra.attrs.items() if k not in _MOVED}
    return {
        "name": str(spectra.name),
        "sizes": {str(d): n for d, n in spectra.sizes.items()},
        "type of numbers": str(spectra.dtype),
        "coordinates": {k: _digest(c.values) for k, c in sorted(coords.items())},
        "attributes": dict(sorted(attrs.items())),
        "counts": numbers.hexdigest(),
    }


def _digest(values: Any) -> str:
    """Beginning of the sha256 of numbers or texts."""
    array = np.ascontiguousarray(values)
    data = repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes()
    return hashlib.sha256(data).hexdigest()[:16]


def check_same(out: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Refuse to go on with other options, or other spectra, than the fit was begun with.

    Raises
    ------
    ValueError
        With the first option that differs, and what to do.
    """
    advice = (
        "say the same to go on with it, pass overwrite=True (--overwrite) to begin again, or "
        "choose another out"
    )
    before, now = old["asked"], new["asked"]
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            raise ValueError(
                f"expected the options of the fit that was begun in {out}, "
                f"{name}={before.get(name)!r}, got {name}={now.get(name)!r}; {advice}"
            )
    before, now = old["spectra"], new["spectra"]
    for name in before:
        if before[name] != now.get(name):
            raise ValueError(
                f"expected the spectra of the fit that was begun in {out}, got others: their "
                f"{name} differ; {advice}"
            )
