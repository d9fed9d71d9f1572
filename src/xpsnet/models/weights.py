"""Files of a trained model: weights, ONNX graph and model card.

A model consists of ``<name>.npz`` (weights as plain arrays, no pickle), ``<name>.onnx`` (the same
network for ONNX Runtime) and ``<name>.json`` (the card: architecture, recipe, training, measured
accuracy, sha256 of both files). The architecture itself is code (`architecture.build`), so that
loading a model never runs code from a file.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from xpsnet.arguments import path as path_rule
from xpsnet.data.regular_files import is_stream, not_a_file
from xpsnet.models.architecture import NetworkConfig, build
from xpsnet.models.card import network_of, read_card

SHIPPED = Path(__file__).parent / "shipped"

MAX_BYTES = 1 << 30  # of a file of weights, packed or not; those of the package have 3 MB

Arrays = dict[str, npt.NDArray[Any]]

# Beginnings of the names of the layers for what the caller knows (`modulation`).
KNOWN_LAYERS = ("split_inputs", "join_curves", "known_features", "modulate")

# Errors of numpy for a file that is damaged, is not an .npz file, or holds pickles.
_UNREADABLE = (
    OSError, ValueError, EOFError, KeyError, TypeError, AttributeError, NotImplementedError,
    MemoryError, OverflowError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def save_arrays(file: Path, arrays: Arrays) -> None:
    """Write arrays into an .npz file; an interrupted call leaves no partial file."""
    part = file.with_suffix(".part")
    named: dict[str, Any] = dict(arrays)
    with part.open("wb") as stream:
        np.savez(stream, **named)
    os.replace(part, file)


def load_arrays(file: Path) -> Arrays:
    """Read the arrays of an .npz file; nothing is unpickled.

    Raises
    ------
    ValueError
        If the file is not an .npz file of plain arrays.
    """
    try:
        if is_stream(file):
            raise ValueError(not_a_file(file))
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as data:
            unpacked = sum(member.file_size for member in data.zip.infolist())
            if unpacked > MAX_BYTES:
                raise ValueError(f"arrays of {unpacked} bytes, more than {MAX_BYTES}")
            return {name: data[name] for name in data.files}
    except _UNREADABLE as error:
        raise ValueError(f"expected an .npz file of plain arrays, got {file}: {error}") from error


def save_weights(file: Path, network: Any) -> None:
    """Write the variables of a Keras model in the order of ``network.variables``."""
    save_arrays(file, {f"w{i:03d}": v.numpy() for i, v in enumerate(network.variables)})


def load_weights(file: Path, network: Any) -> None:
    """Read variables into a Keras model of the same architecture.

    Raises
    ------
    ValueError
        If number or shapes of the arrays are not those of the network.
    """
    arrays = load_arrays(file)
    expected = [tuple(v.shape) for v in network.variables]
    names = [f"w{i:03d}" for i in range(len(expected))]
    got = [arrays[name].shape if name in arrays else None for name in names]
    if got != expected or len(arrays) != len(expected):
        raise ValueError(
            f"expected {len(expected)} arrays that fit network {network.name!r}, "
            f"{file} holds {len(arrays)} others; choose the file of this architecture"
        )
    for name, variable in zip(names, network.variables, strict=True):
        variable.assign(arrays[name])


def load_start(file: Path, of: NetworkConfig, network: Any) -> None:
    """Read weights to start a training from, also those of a network with fewer inputs.

    The layers for what is known then keep their initial weights, which change nothing; a second
    curve of the spectrum begins with the weight 0.

    Parameters
    ----------
    file : Path
        Weights of a network with the sizes `of`.
    of : NetworkConfig
    network : keras.Model
        Network to train; of the same sizes, apart from the known inputs.

    Raises
    ------
    ValueError
        If the weights do not fit.
    """
    old = build(of)
    load_weights(file, old)
    before = {layer.name: layer for layer in old.layers}
    new = {layer.name for layer in network.layers} - before.keys()
    same = all(name.startswith(KNOWN_LAYERS) for name in new)
    if not same or old.output_shape != network.output_shape:
        raise ValueError(
            f"expected weights of a network like {network.name!r} to start from, got {of}"
        )
    for layer in network.layers:
        if layer.name in before:
            known = [before[layer.name].get_weights(), layer.get_weights()]
            layer.set_weights([_filled(a, b, layer.name) for a, b in zip(*known, strict=True)])


def _filled(old: Any, new: Any, layer: str) -> Any:
    """Old weights in the shape of new ones, which may have more inputs (the last axis but one)."""
    if old.shape == new.shape:
        return old
    filled = new if layer.startswith(KNOWN_LAYERS) else np.zeros_like(new)
    filled[..., : old.shape[-2], :] = old
    return filled


@dataclass(frozen=True)
class Model:
    """A trained network: its card and the folder of its files.

    Attributes
    ----------
    name : str
        Name in the card.
    card : dict
        Architecture, recipe, training and measured accuracy, as plain values.
    folder : Path
        Folder of ``<name>.json``, ``<name>.npz`` and ``<name>.onnx``.
    """

    name: str
    card: dict[str, Any]
    folder: Path

    @property
    def config(self) -> NetworkConfig:
        """Architecture and sizes."""
        return network_of(self.card["network"])

    @property
    def version(self) -> str:
        """Version of the weights: the beginning of their sha256."""
        return str(self.card["files"][f"{self.name}.npz"])[:12]

    def file(self, suffix: str) -> Path:
        """Path of the weights (``".npz"``) or the exported graph (``".onnx"``), checked.

        Raises
        ------
        ValueError
            If the file is missing or is not the one that the card describes.
        """
        path = self.folder / f"{self.name}{suffix}"
        if not path.exists():
            raise ValueError(f"model {self.name!r} has no file {path}; export it again")
        if got := not_a_file(path):
            raise ValueError(f"expected a file of model {self.name!r}, got {path}: {got}")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ValueError(
                f"expected {path} with at most {MAX_BYTES >> 20} MiB, got {size >> 20} MiB; "
                "export a smaller network"
            )
        if path.name not in self.card["files"]:
            raise ValueError(
                f"expected the checksum of {path.name} in the card of model {self.name!r}, got "
                "none; export it again"
            )
        expected = self.card["files"][path.name]
        found = sha256(path)
        if found != expected:
            raise ValueError(
                f"expected {path} with sha256 {expected[:12]}..., got {found[:12]}...; "
                "the file is damaged or belongs to another card: install or export it again"
            )
        return path


def list_models() -> list[str]:
    """Names of the models that come with the package.

    Returns
    -------
    list of str
        Sorted names, for `predict(model=...)`.

    See Also
    --------
    load_model, predict

    Examples
    --------
    >>> import xpsnet
    >>> xpsnet.list_models()
    ['default', 'doublets', 'park2020']
    """
    return sorted(path.stem for path in SHIPPED.glob("*.json"))


def load_model(name_or_path: str | Path | Model = "default") -> Model:
    """Load a trained network by name or by the path of its card.

    Parameters
    ----------
    name_or_path : str or Path
        ``"default"``, ``"doublets"``, ``"park2020"``, or the path of a model card
        (``my_model.json``), written by ``xpsnet train`` with its .npz and .onnx files in the same
        folder. A `Model` is returned as it is.

    Returns
    -------
    Model
        Card and paths of the files; the network itself is loaded when it predicts.

    Raises
    ------
    ValueError
        If there is no such model, or its card cannot be read.

    See Also
    --------
    list_models, train, predict

    Examples
    --------
    >>> import xpsnet
    >>> model = xpsnet.load_model("park2020")
    >>> model.config.max_peaks, model.card["recipe"]["min_peaks"]
    (3, 1)
    """
    if isinstance(name_or_path, Model):
        return name_or_path
    path_rule("name_or_path", name_or_path)
    path = Path(name_or_path)
    if path.suffix != ".json":
        path = SHIPPED / f"{name_or_path}.json"
    try:
        card = read_card(path)
        return Model(card["name"], card, path.parent)
    except FileNotFoundError:
        raise ValueError(
            f"expected a model of {list_models()} or the path of a model card (.json), "
            f"got {str(name_or_path)!r}"
        ) from None
    except (OSError, ValueError) as error:
        raise ValueError(
            f"expected a model card, got {path}: {error}; export the model again"
        ) from error


def sha256(file: Path) -> str:
    """SHA-256 checksum of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
