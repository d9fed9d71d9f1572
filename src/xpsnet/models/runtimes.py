"""The runtimes of a network, with the same call: float32 inputs (n, n_inputs) in, arrays out.

`OnnxEngine` (ONNX Runtime) is for CPUs; it starts in a tenth of a second. `KerasEngine`
(TensorFlow) is for GPUs. TensorFlow and an OpenGL canvas crash in the same process on Linux with
Mesa drivers (both export LLVM symbols); where Qt is loaded, TensorFlow therefore runs in a child
process (`ChildEngine`).
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from xpsnet.models import architecture, weights
from xpsnet.models.extra_packages import has_keras, require_keras
from xpsnet.parallel.threads import in_threads

Device = Literal["auto", "cpu", "gpu"]
Outputs = dict[str, npt.NDArray[Any]]

# The intermediate arrays of this number of spectra fit into the cache of a CPU core.
SPECTRA_IN_CACHE = 128


class Engine(Protocol):
    """A runtime with one network."""

    def __call__(self, spectra: npt.NDArray[np.float32]) -> Outputs:
        """Outputs of the network for inputs of shape (n, n_inputs)."""


def get_engine(model: weights.Model, device: Device = "auto") -> Engine:
    """Runtime of a model for a device; loaded once per process.

    Parameters
    ----------
    model : Model
        From `load_model`.
    device : {"auto", "cpu", "gpu"}
        "auto" uses the GPU if an NVIDIA driver and the extra ``[gpu]`` are installed.

    Returns
    -------
    Engine
        Callable on float32 inputs from `encoding.encode`.

    Raises
    ------
    ValueError
        If the device is unknown.
    ImportError
        For "gpu" where TensorFlow is not installed.
    """
    if device not in ("auto", "cpu", "gpu"):
        raise ValueError(f"expected device 'auto', 'cpu' or 'gpu', got {device!r}")
    if device == "auto":
        device = "gpu" if _has_gpu() else "cpu"
    if device == "cpu":
        return _kept("onnx", model, lambda: OnnxEngine(model.file(".onnx"), model.config))
    require_keras("device='gpu'", "gpu")
    if _shows_windows():
        return _kept("child", model, lambda: ChildEngine(model))
    return _kept("keras", model, lambda: KerasEngine(model))


class OnnxEngine:
    """ONNX Runtime on the CPU: one thread per call, and one call at a time on each core.

    With `config` the file is refused (ValueError) where it is another network.
    """

    def __init__(self, file: Path, config: architecture.NetworkConfig | None = None) -> None:
        onnxruntime = _quiet_onnxruntime()
        self._file, self._errors = file, _onnx_errors()
        options = onnxruntime.SessionOptions()
        # With more threads, ONNX Runtime waits for all of them after every layer.
        options.intra_op_num_threads = 1
        options.log_severity_level = 4  # its errors are raised, and said once
        try:
            self._session = onnxruntime.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )
        except self._errors as error:
            raise _foreign(file, f"one that ONNX Runtime does not load ({_said(error)})") from error
        self._input = next((one.name for one in self._session.get_inputs()), "")
        self._names = [output.name for output in self._session.get_outputs()]
        self._shapes = {} if config is None else architecture.output_shapes(config)
        if config is not None:
            self._check(config.n_inputs)

    def _check(self, n_inputs: int) -> None:
        """Refuse other inputs and outputs than those of the network that is wanted."""
        inputs = self._session.get_inputs()
        stated = [(one.type, list(one.shape[1:])) for one in inputs]
        if stated != [("tensor(float)", [n_inputs])]:
            got = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs[:5]) or "none"
            wanted = f"one input of float32 spectra with {n_inputs} inputs"
            raise _foreign(self._file, f"the inputs {got[:300]}", wanted)
        if set(self._names) != set(self._shapes):
            got = ", ".join(self._names[:10])[:300]
            raise _foreign(self._file, f"the outputs {got}", f"outputs {', '.join(self._shapes)}")
        # What the file states of its outputs need not be true.
        self._run(np.zeros((1, n_inputs), np.float32))

    def _run(self, rows: npt.NDArray[np.float32], spare: int = 0) -> list[npt.NDArray[Any]]:
        """Outputs for some spectra, in the order of the file, but for so many at the end."""
        try:
            outputs: list[Any] = self._session.run(None, {self._input: rows})
        except self._errors as error:
            raise _foreign(self._file, f"one that does not run ({_said(error)})") from error
        n = len(rows) - spare
        for name, values in zip(self._names, outputs, strict=True):
            inner = self._shapes.get(name, np.shape(values)[1:])
            if np.shape(values) != (len(rows), *inner) or values.dtype != np.float32:
                wanted = f"float32 of shape {(n, *inner)}"
                raise _foreign(self._file, f"{name} of shape {np.shape(values)}", wanted)
        return [values[:n] for values in outputs]

    def __call__(self, spectra: npt.NDArray[np.float32]) -> Outputs:
        """Outputs of the network for inputs of shape (n, n_inputs)."""
        if not len(spectra):
            # No spectra would end the process: ONNX Runtime divides by the number of matrices.
            one = self(np.zeros((1, spectra.shape[1]), np.float32))
            return {name: values[:0] for name, values in one.items()}
        starts = range(0, len(spectra), SPECTRA_IN_CACHE)
        parts: list[Any] = [None] * len(starts)

        def run(number: int) -> None:
            some = spectra[starts[number] : starts[number] + SPECTRA_IN_CACHE]
            # ONNX Runtime rounds the last row otherwise, as the rest of its vectors, and a single
            # row by much more (1e-3 in an output). Before a spare row, all give the same bits
            # whichever rows are beside them.
            parts[number] = self._run(np.concatenate([some, some[-1:]]), spare=1)

        in_threads(run, range(len(starts)))
        outputs = [np.concatenate(values) for values in zip(*parts, strict=True)]
        return dict(zip(self._names, outputs, strict=True))


def _foreign(file: Path, got: str, expected: str = "the network of its card") -> ValueError:
    """The refusal of an ONNX file that is sound, but is not the network of its card."""
    return ValueError(f"expected {file} with {expected}, got {got}; export the model again")


def _said(error: Exception) -> str:
    """The beginning of a message of ONNX Runtime, in one line."""
    return " ".join(str(error).split())[:200]


def _onnx_errors() -> tuple[type[Exception], ...]:
    """All exceptions of ONNX Runtime, which have no common type of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = [one for one in vars(state).values() if isinstance(one, type)]
    found = [one for one in own if issubclass(one, Exception)]
    return (*found, RuntimeError, MemoryError, ValueError)


def _quiet_onnxruntime() -> Any:
    """ONNX Runtime with telemetry disabled; version 1.31 and later would report its use."""
    # The variable is read when the library is loaded; the call is for a library loaded before.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


class KerasEngine:
    """Keras with its backend (TensorFlow by default), on a GPU if there is one."""

    def __init__(self, model: weights.Model) -> None:
        self._network = architecture.build(model.config)
        weights.load_weights(model.file(".npz"), self._network)

    def __call__(self, spectra: npt.NDArray[np.float32]) -> Outputs:
        """Outputs of the network for inputs of shape (n, n_inputs)."""
        outputs = self._network.predict_on_batch(spectra)
        return {name: np.asarray(values) for name, values in outputs.items()}


class ChildEngine:
    """A `KerasEngine` in a child process, which `close` ends."""

    def __init__(self, model: weights.Model) -> None:
        import multiprocessing

        model.file(".npz")  # a damaged file is refused here, not in the child
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, model), daemon=True)
        self._process.start()
        # Only one thread at a time may send and receive.
        self._lock = threading.Lock()
        # Only the child keeps its end of the pipe, so that its end also ends a waiting recv.
        theirs.close()

    def __call__(self, spectra: npt.NDArray[np.float32]) -> Outputs:
        """Outputs of the network for inputs of shape (n, n_inputs)."""
        try:
            with self._lock:
                self._pipe.send(spectra)
                answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise RuntimeError(
                "the process that runs TensorFlow has ended; predict with device='cpu'"
            ) from error
        if isinstance(answer, str):
            raise RuntimeError(f"TensorFlow failed: {answer}; predict with device='cpu'")
        return dict(answer)

    def close(self) -> None:
        """End the child."""
        self._pipe.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()


def _serve(pipe: Any, model: weights.Model) -> None:
    """Receive spectra and send outputs until the pipe closes; runs in the child."""
    engine: KerasEngine | None = None
    while True:
        try:
            spectra = pipe.recv()
        except EOFError:
            # Skips the cleanup of TensorFlow, which takes many seconds.
            os._exit(0)
        try:
            engine = engine or KerasEngine(model)
            pipe.send(engine(spectra))
        except Exception as error:  # every failure is reported to the parent
            pipe.send(f"{type(error).__name__}: {error}")


def _has_gpu() -> bool:
    """Whether an NVIDIA driver and the extra ``[gpu]`` (TensorFlow, CUDA) are installed.

    Without the CUDA libraries TensorFlow would run on the CPU, slower than ONNX Runtime. Other
    programs install these libraries too, without TensorFlow.
    """
    driver = shutil.which("nvidia-smi") is not None
    return driver and find_spec("nvidia") is not None and has_keras()


def _shows_windows() -> bool:
    """Whether this process has loaded Qt or napari's viewer."""
    names = ("PySide6", "PyQt6", "PyQt5", "PySide2", "napari._qt")
    return any(name in sys.modules for name in names)


_engines: dict[tuple[str, str, str], Any] = {}
_engines_lock = threading.Lock()


def _kept(kind: str, model: weights.Model, load: Callable[[], Engine]) -> Engine:
    """The engine of this kind for a model; its files are checked and loaded once."""
    key = (kind, str(model.folder), str(model.card["files"]))
    with _engines_lock:
        if key not in _engines:
            _engines[key] = load()
        return _engines[key]  # type: ignore[no-any-return]


def close_engines() -> None:
    """End the child processes and release the loaded networks."""
    for engine in _engines.values():
        if isinstance(engine, ChildEngine):
            engine.close()
    _engines.clear()
