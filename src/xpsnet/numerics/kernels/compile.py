"""How scalar kernels are compiled.

Machine code is cached on disk per function. numba compiles a function again when its own file
changes, but not when a file changes from which it takes other functions: after an update, old and
new constants would be mixed. Therefore the cache also depends on all files with kernels, and is
renewed when one of them changes. Where nothing can be kept, functions are compiled all the same.
"""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

from xpsnet.numerics.kernels.kernel_cache import KernelCache, tell_not_kept

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
    """Compile into each calling function, where some arguments may be constants."""
    return cast(_Function, numba.njit(inline="always")(function))


def _compiled(function: _Function, relaxed: set[str]) -> _Function:
    """Compile with relaxed floating-point rules, but never with the assumption of no NaN."""
    # The numpy error model turns division by zero into inf instead of raising inside a map.
    decorator = numba.njit(nogil=True, error_model="numpy", fastmath=relaxed or False)
    dispatcher = decorator(function)
    if hasattr(dispatcher, "enable_caching"):  # not where compiling is switched off
        folder = Path(function.__code__.co_filename).parent
        try:
            # numba's own cache, which `enable_caching` would set, fails on damaged files.
            dispatcher._cache = KernelCache(function, sources_digest(folder))
        except (OSError, RuntimeError) as error:
            tell_not_kept(None, error)
    return cast(_Function, dispatcher)


@lru_cache(maxsize=8)
def sources_digest(folder: Path) -> str:
    """Digest of all files from which the kernels of a folder are compiled."""
    here = Path(__file__).parent
    model = folder.parent / "model"  # whose constants the solver in `folder` was compiled with
    solver = {*folder.glob("lm_*.py"), *folder.glob("solution.py"), *model.glob("parameter*.py")}
    files = {*here.glob("*.py"), *solver}
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.read_bytes())
    return digest.hexdigest()
