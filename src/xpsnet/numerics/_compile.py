"""The one place that says how scalar kernels are compiled.

Machine code is kept on disk per function and renewed when the file of that function changes. Code
of other files that it calls is compiled in and not looked at again: who edits `_chain.py` touches
the files that import it.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Compile with numba on first use, keep the machine code on disk, release the GIL."""
    return _compiled(function, set())


def contracted(function: _Function) -> _Function:
    """As `compiled`; a product and a sum may be rounded once instead of twice."""
    return _compiled(function, {"contract"})


def reassociated(function: _Function) -> _Function:
    """As `contracted`; sums may be added up in any order, which lets loops of them vectorize."""
    return _compiled(function, {"contract", "reassoc", "nsz"})


def inlined(function: _Function) -> _Function:
    """Put into the compiled functions that call it, which may know some arguments at that time."""
    return cast(_Function, numba.njit(inline="always")(function))


def _compiled(function: _Function, relaxed: set[str]) -> _Function:
    """Compile with some freedom in floating point; never that of taking NaN for impossible."""
    # The numpy error model turns division by zero into inf instead of raising inside a map.
    decorator = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=relaxed or False)
    return cast(_Function, decorator(function))
