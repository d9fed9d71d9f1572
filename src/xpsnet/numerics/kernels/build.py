"""Compile all kernels to LLVM bitcode, for the package.

Run ``python -m xpsnet.numerics.kernels.build`` and commit its two files after a change of a kernel;
a test says when. numba makes the code of LLVM for no processor in particular and without vector
instructions: `native` adds those of the processor for which it translates the code.
"""

import hashlib
import importlib
import json
import lzma
import os
import platform
import re
from typing import Any

from xpsnet.numerics.kernels.array_types import argument_types

MODULES = (
    "numerics.kernels.asymmetric",
    "numerics.kernels.doniach_sunjic",
    "numerics.kernels.elementary",
    "numerics.kernels.point_signs",
    "numerics.kernels.powered_lorentzian",
    "numerics.kernels.row_arithmetic",
    "numerics.kernels.static_shirley",
    "numerics.kernels.voigt",
    "numerics.heights",
    "numerics.resample",
    "fitting.solve.lm_solver",
)
"""Where the functions that Python calls are."""
# What the functions of numba for numbers are called in the C library.
_NAMES = {"numba_gamma": "tgamma"}
# Arrays belong to Python: what would free them is never called.
_NOTHING_TO_FREE = "define void @NRT_MemInfo_call_dtor(ptr %0) { ret void }"
_NUMBA = {"CPU_NAME": "generic", "CPU_FEATURES": "", "LOOP_VECTORIZE": "0", "SLP_VECTORIZE": "0"}


def main() -> None:
    """Write `kernels.bc.xz` and `kernels.json`."""
    os.environ.update({f"NUMBA_{name}": value for name, value in _NUMBA.items()})
    from llvmlite import binding

    from xpsnet.numerics.kernels import compile as ways
    from xpsnet.numerics.kernels import native

    ways.way = ways.Way.BUILD
    for module in MODULES:
        importlib.import_module(f"xpsnet.{module}")
    whole = binding.parse_assembly(_NOTHING_TO_FREE)
    for name, dispatcher in sorted(ways.exports.items()):
        whole.link_in(binding.parse_assembly(_code_of(name, dispatcher)))
    _keep_only(whole, set(ways.exports))
    bitcode = whole.as_bitcode()
    native.BITCODE.write_bytes(lzma.compress(bitcode, preset=9 | lzma.PRESET_EXTREME))
    card = {
        "sources": native.sources_digest(),
        "sha256": hashlib.sha256(bitcode).hexdigest(),
        "llvm": binding.llvm_version_info[0],
        "made_on": f"{platform.system()} {platform.machine()}",
        "entries": sorted(ways.exports),
    }
    native.CARD.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def _code_of(name: str, dispatcher: Any) -> str:
    """Code of LLVM for one function, under its own name, and all that it calls."""
    import numba

    types, result = argument_types(dispatcher.py_func)
    known: dict[str, Any] = {"carray": numba.carray, "kernel": dispatcher}
    parameters: list[tuple[str, Any]] = []
    values = [_rebuilt(kind, f"a{i}", parameters, known) for i, kind in enumerate(types)]
    names = ", ".join(parameter for parameter, _ in parameters)
    # A function of numbers and addresses alone. It is made as text, because the number of its
    # parameters depends on the kernel.
    exec(f"def call({names}):\n    return kernel({', '.join(values)})", known)  # noqa: S102
    signature = _numba_type(result)(*(kind for _, kind in parameters))
    function = numba.cfunc(signature, error_model="numpy")(known["call"])
    # The function itself, not the one around it, which writes errors to the screen: it returns a
    # status, and takes the places of its result and of its error before its arguments.
    inner = function.native_name.removeprefix("cfunc.")
    code = re.sub(rf"(?<=@){re.escape(inner)}\b", name, function.inspect_llvm())
    for numbas, own in _NAMES.items():
        code = re.sub(rf"@{numbas}\b", f"@{own}", code)
    return str(code)


def _rebuilt(kind: Any, name: str, parameters: list[tuple[str, Any]], known: dict[str, Any]) -> str:
    """Expression for an argument, from the numbers and addresses that are appended."""
    import numba
    import numpy as np

    if isinstance(kind, list):
        inside = [_rebuilt(part, f"{name}_{i}", parameters, known) for i, part in enumerate(kind)]
        return f"({', '.join(inside)},)"
    if isinstance(kind, tuple) and isinstance(kind[0], np.dtype):
        sizes = [f"{name}_size{i}" for i in range(kind[1])]
        pointer = numba.types.CPointer(numba.from_dtype(kind[0]))
        parameters += [(name, pointer), *((size, numba.types.int64) for size in sizes)]
        return f"carray({name}, ({', '.join(sizes)},))"
    if isinstance(kind, tuple):
        known[kind[0].__name__] = kind[0]
        inside = [
            _rebuilt(part, f"{name}_{i}", parameters, known) for i, part in enumerate(kind[1])
        ]
        return f"{kind[0].__name__}({', '.join(inside)})"
    parameters.append((name, _numba_type(kind)))
    return name


def _numba_type(kind: Any) -> Any:
    """Type of a number, or of no result."""
    from numba import types

    numbers = {bool: types.boolean, int: types.int64, float: types.float64}
    return numbers.get(kind, types.void)


def _keep_only(module: Any, names: set[str]) -> None:
    """Leave what Python calls and what that needs, and check that nothing of numba is needed."""
    from llvmlite import binding

    for function in module.functions:
        if not function.is_declaration and function.name not in names:
            function.linkage = binding.Linkage.internal
    for variable in module.global_variables:
        if not variable.is_declaration:
            variable.linkage = binding.Linkage.internal
    passes = binding.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    builder = binding.create_pass_builder(
        binding.Target.from_default_triple().create_target_machine(),
        binding.create_pipeline_tuning_options(),
    )
    passes.run(module, builder)
    module.verify()
    needed = {f.name for f in module.functions if f.is_declaration}
    foreign = sorted(n for n in needed if not n.startswith("llvm.") and n not in _C_LIBRARY)
    if foreign or names - {f.name for f in module.functions}:
        raise RuntimeError(f"expected kernels that need only the C library, got {foreign}")


_C_LIBRARY = frozenset(["atan2", "log1p", "hypot", "pow", "sqrt", "tgamma"])


if __name__ == "__main__":
    main()
