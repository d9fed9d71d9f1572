"""Kernels that the package holds compiled: translated for the processor, kept, and called.

`kernels.bc` is LLVM bitcode, made by `build` from the kernels, and `kernels.json` states from which
sources, with which LLVM, and what it holds. LLVM (through llvmlite) optimizes it for the processor
at hand and makes machine code of it, which is kept beside it or in the user's cache folder, with a
checksum. A damaged file is made anew, and where none can be kept, every process translates.
"""

import ctypes
import hashlib
import json
import lzma
import os
import platform
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from xpsnet.numerics.kernels.array_types import (
    C_TYPES,
    append_c_values,
    argument_types,
    c_types,
)

SWITCH = "XPSNET_KERNELS"
"""Environment variable: "numba" compiles the kernels with numba, whatever the package holds."""
HERE = Path(__file__).parent
BITCODE, CARD = HERE / "kernels.bc.xz", HERE / "kernels.json"
# Systems on which the tests have run with it.
_TRIED = frozenset([("Linux", "x86_64")])
FIRST = frozenset(
    ["_solve_rows", "_sum_neighbors", "difference_rows", "elementary_rows", "sign_rows"]
)
"""Kernels that the samples, a prediction, its lines and its residual call. They are translated
apart from the others, within a second: whoever needs no more does not wait for the solver."""
_SEALED = hashlib.sha256().digest_size
_LOCKS = {True: threading.Lock(), False: threading.Lock()}
_DONE = 0, -2  # status of numba's functions: with a result, and with None


@cache
def is_usable() -> bool:
    """Whether the package holds the kernels as they are now, for a system that was tried."""
    if os.environ.get(SWITCH) == "numba" or (platform.system(), platform.machine()) not in _TRIED:
        return False
    try:
        from llvmlite import binding

        card = json.loads(CARD.read_text(encoding="utf-8"))
        fits = bool(binding.llvm_version_info[0] >= card["llvm"])
        return fits and card["sources"] == sources_digest() and BITCODE.is_file()
    except (ImportError, OSError, ValueError, KeyError, TypeError):
        return False


@lru_cache(maxsize=1)
def sources_digest() -> str:
    """Digest of all files from which kernels are compiled, whatever ends their lines."""
    package = HERE.parents[1]
    solve, model = package / "fitting" / "solve", package / "fitting" / "model"
    files = {*HERE.glob("*.py"), package / "numerics" / "resample.py"}
    files -= {HERE / "native.py", HERE / "kernel_cache.py"}  # which only read and keep code
    files |= {package / "numerics" / "heights.py", *solve.glob("lm_*.py"), solve / "solution.py"}
    files |= {*model.glob("parameter*.py")}
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.relative_to(package).as_posix()):
        digest.update(file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


class Entry:
    """A kernel that Python calls.

    Parameters
    ----------
    function : callable
        The kernel, as Python; its annotations say what it takes.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__name__, self.__doc__ = function.__name__, function.__doc__
        self.__wrapped__ = function
        self._call: Any = None
        self._types: list[Any] = []
        self._result: Any = None

    def __call__(self, *given: Any) -> Any:
        """Call the machine code, without the GIL."""
        if self._call is None:
            self._prepare()
        values: list[Any] = []
        for kind, value in zip(self._types, given, strict=True):
            append_c_values(kind, value, values)
        result, error = self._result(), ctypes.c_void_p()
        status = self._call(ctypes.byref(result), ctypes.byref(error), *values)
        if status not in _DONE:
            raise RuntimeError(f"compiled function {self.__name__} ended with status {status}")
        return result.value

    def _prepare(self) -> None:
        """Find the machine code, and what it takes."""
        types, result = argument_types(self.__wrapped__)
        given = [kind for flat in types for kind in c_types(flat)]
        address = _machine_code(self.__name__ in FIRST).get_function_address(self.__name__)
        self._types, self._result = types, C_TYPES[result]
        places = ctypes.c_void_p, ctypes.c_void_p  # of the result and of an error
        self._call = ctypes.CFUNCTYPE(ctypes.c_int32, *places, *given)(address)


@lru_cache(maxsize=2)
def _engine(first: bool) -> Any:
    """LLVM's place for machine code, with the first kernels or the others; see `_machine_code`."""
    from llvmlite import binding

    machine = target_machine()
    code = _kept_code(first)
    if code is None:
        code = _translated(machine, first)
        _keep(code, first)
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine


def _machine_code(first: bool) -> Any:
    """These kernels, ready to be called; one thread translates them, others wait."""
    with _LOCKS[first]:
        return _engine(first)


def prepare() -> None:
    """Make all kernels ready, so that no later call waits."""
    for first in (True, False):
        _machine_code(first)


def target_machine() -> Any:
    """LLVM's description of the processor at hand."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding.Target.from_default_triple().create_target_machine(
        opt=3,
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        jit=True,
    )


def _translated(machine: Any, first: bool) -> bytes:
    """Optimize these kernels for this processor, and make machine code of them."""
    from llvmlite import binding

    module = binding.parse_bitcode(lzma.decompress(BITCODE.read_bytes()))
    module.verify()
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    entries = _entries()
    for function in module.functions:
        if function.name in entries and (function.name in FIRST) != first:
            function.linkage = "internal"
    cleaning = binding.create_new_module_pass_manager()
    cleaning.add_global_dead_code_eliminate_pass()
    builder = binding.create_pass_builder(machine, binding.create_pipeline_tuning_options())
    cleaning.run(module, builder)
    tuning = binding.create_pipeline_tuning_options(speed_level=3)
    tuning.loop_vectorization = tuning.slp_vectorization = True
    builder = binding.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    return bytes(machine.emit_object(module))


def _entries() -> list[str]:
    """Names of the kernels that Python calls."""
    return list(json.loads(CARD.read_text(encoding="utf-8"))["entries"])


def _name(first: bool) -> str:
    """Name of the file with the machine code of these kernels for this processor."""
    from llvmlite import binding

    processor = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
    system = platform.system(), platform.machine(), *processor
    made_by = sources_digest(), *system, *binding.llvm_version_info
    digest = hashlib.sha256(repr(made_by).encode()).hexdigest()[:24]
    return f"xpsnet-{digest}-{'first' if first else 'others'}.o"


def _folders() -> Iterator[Path]:
    """Where machine code may be kept: where numba's is to be; else here, then at the user's."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        yield Path(chosen)
        return
    yield HERE / "__pycache__"
    yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "xpsnet"


def _kept_code(first: bool) -> bytes | None:
    """Machine code kept by another process, if there is some that is sound."""
    for folder in _folders():
        try:
            content = (folder / _name(first)).read_bytes()
        except OSError:
            continue
        code = content[:-_SEALED]
        if code and hashlib.sha256(code).digest() == content[-_SEALED:]:
            return code
    return None


def _keep(code: bytes, first: bool) -> None:
    """Keep machine code in the first folder that takes it; it can be made again where none does."""
    for folder in _folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=folder, prefix="xpsnet-")
        except OSError:
            continue
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(code + hashlib.sha256(code).digest())
            os.replace(name, folder / _name(first))
        except OSError:  # a full disk
            Path(name).unlink(missing_ok=True)
            continue
        return
