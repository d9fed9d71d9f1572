"""How scalar kernels become machine code.

The package holds all kernels already compiled to the code of LLVM (`kernels.bc`, made by `build`).
Where that file was made from the kernels as they are, and on systems where it has been tried, it is
translated for the processor at hand on first use (`native`: seconds, kept on disk), and numba is
not needed: the functions below then leave kernels as they are, and `exported` gives what Python
calls. Elsewhere numba compiles each kernel on first use (about a minute, kept on disk as well).

numba compiles a function again when its own file changes, but not when a file changes from which it
takes other functions: after an update, old and new constants would be mixed. Therefore its cache
also depends on all files with kernels, and is renewed when one of them changes. Where nothing can
be kept, functions are compiled all the same.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar, cast

from xpsnet.numerics.kernels import native

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Way(Enum):
    """Who compiles the kernels of this process."""

    NATIVE = "the package"
    NUMBA = "numba, when they are used first"
    BUILD = "numba, for the package"


way = Way.NATIVE if native.is_usable() else Way.NUMBA
"""Decided when the first kernel is imported; `build` sets it."""
exports: dict[str, Any] = {}
"""Functions that Python calls, by name, for `build`."""


def compiled(function: _Function) -> _Function:
    """Compile; release the GIL."""
    return _compiled(function, set())


def contracted(function: _Function) -> _Function:
    """As `compiled`; a product and a sum may be rounded once instead of twice."""
    return _compiled(function, {"contract"})


def reassociated(function: _Function) -> _Function:
    """As `contracted`; sums may be added up in any order, which lets loops of them vectorize."""
    return _compiled(function, {"contract", "reassoc", "nsz"})


def inlined(function: _Function) -> _Function:
    """Compile into each calling function, where some arguments may be constants."""
    if way is Way.NATIVE:
        return function
    import numba

    return cast(_Function, numba.njit(inline="always")(function))


def exported(function: _Function) -> _Function:
    """Compile a function that Python calls; its annotations state the types (`array_types`)."""
    if way is Way.NATIVE:
        return cast(_Function, native.Entry(function))
    dispatcher = compiled(function)
    exports[function.__name__] = dispatcher
    return dispatcher


def _compiled(function: _Function, relaxed: set[str]) -> _Function:
    """Compile with relaxed floating-point rules, but never with the assumption of no NaN."""
    if way is Way.NATIVE:
        return function
    import numba

    # The numpy error model turns division by zero into inf instead of raising inside a map.
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": relaxed or False}
    if way is Way.BUILD:
        # Kernels make no arrays, so that none of numba's own functions is called.
        wrappers = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        return cast(_Function, numba.njit(**options, **wrappers, _nrt=False)(function))
    dispatcher = numba.njit(**options)(function)
    if hasattr(dispatcher, "enable_caching"):  # not where compiling is switched off
        from xpsnet.numerics.kernels.kernel_cache import KernelCache, tell_not_kept

        try:
            # numba's own cache, which `enable_caching` would set, fails on damaged files.
            dispatcher._cache = KernelCache(function, native.sources_digest())
        except (OSError, RuntimeError) as error:
            tell_not_kept(None, error)
    return cast(_Function, dispatcher)
