"""Writing zarr folders so that nothing is written any more once one write has failed.

zarr writes in threads of its own, and goes on with the pieces that wait when one has failed: a
folder that is deleted then would come up again.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import xarray as xr

_LONGEST_WRITE = 60.0  # [s] of one piece


class _Writes:
    """Pieces that are being written, and whether more may follow."""

    def __init__(self) -> None:
        self._failure: BaseException | None = None
        self._running: set[object] = set()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Write one piece; if that fails, it is the last one."""
        piece = object()
        # Before the question, so that `stop` either waits for this piece or is obeyed by it.
        self._running.add(piece)
        try:
            if self._failure is not None:
                raise self._failure
            yield
        except BaseException as error:
            self._failure = self._failure or error
            raise
        finally:
            self._running.discard(piece)

    def stop(self) -> None:
        """Let no more pieces follow, and wait for those that are being written."""
        self._failure = self._failure or OSError("expected no more pieces after the end")
        end = time.monotonic() + _LONGEST_WRITE
        while self._running and time.monotonic() < end:
            time.sleep(0.001)


def write_groups(groups: Mapping[str, xr.Dataset], folder: Path) -> None:
    """Write Datasets into an empty folder, in zarr format 2, which knows texts of fixed length.

    Parameters
    ----------
    groups : mapping of str to Dataset
        By path; "/" is always there. Lazy data are written piece by piece.
    folder : Path

    Raises
    ------
    ValueError
        If zarr is not installed.
    OSError
        If the system does not let a piece be written. Nothing writes to the folder any more.
    """
    zarr = require_zarr()
    even = {name: _with_even_chunks(data) for name, data in groups.items()}
    whole = even["/"] if len(even) == 1 else xr.DataTree.from_dict(even)
    writes = _Writes()
    store = _store(folder, writes)
    try:
        whole.to_zarr(store, mode="w", zarr_format=2, consolidated=False)
        # Once for the whole store: xarray would do it for every group, over all of them.
        zarr.consolidate_metadata(store, zarr_format=2)
    finally:
        writes.stop()


def require_zarr() -> Any:
    """The package zarr.

    Raises
    ------
    ValueError
        If it is not installed.
    """
    try:
        import zarr
    except ImportError as error:
        raise ValueError(
            "expected the package zarr, to write .zarr, got no such package; pip install "
            "napari-xpsnet[zarr], or write .nc"
        ) from error
    return zarr


def _store(folder: Path, writes: _Writes) -> Any:
    """Store of zarr that asks before each piece whether it may be written."""
    from zarr.storage import LocalStore

    class _Asking(LocalStore):  # type: ignore[misc]
        async def set(self, key: str, value: Any) -> None:
            with writes.one():
                await super().set(key, value)

        async def set_if_not_exists(self, key: str, value: Any) -> None:
            with writes.one():
                await super().set_if_not_exists(key, value)

        def set_sync(self, key: str, value: Any) -> None:
            with writes.one():
                super().set_sync(key, value)

    return _Asking(folder)


def _with_even_chunks(data: xr.Dataset) -> xr.Dataset:
    """Chunks all of one size, as zarr has them."""
    data = data.unify_chunks()
    if not data.chunks:
        return data
    return data.chunk({dim: max(sizes) for dim, sizes in data.chunks.items()})
