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
    # The numpy error model turns division by zero into inf instead of raising inside a map.
    return cast(_Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
