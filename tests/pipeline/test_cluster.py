"""Blocks on a `dask.distributed` cluster: the numbers of one process, also where a worker dies."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import distributed
import pytest
import xarray as xr

import xpsnet
from tests.pipeline.test_store import WINDOW
from xpsnet.io.stores.block_store import progress_of
from xpsnet.parallel.threads import n_threads


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as started:
        yield started


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::UserWarning:multiprocessing")
def test_a_worker_that_dies_costs_its_blocks_only(cluster: Any, tmp_path: Path) -> None:
    out, alone = tmp_path / "p.zarr", tmp_path / "alone.zarr"
    with distributed.Client(cluster) as client:
        workers = list(client.run(os.getpid).values())
        assert len(set(workers)) == 2

        def kill_one() -> None:
            end = time.monotonic() + 100
            while time.monotonic() < end:
                state = progress_of(out)
                if state is not None and state.done[0] >= 2:
                    killed.append(state.complete)
                    os.kill(workers[0], signal.SIGKILL)
                    return
                time.sleep(0.005)

        killed: list[bool] = []
        killer = threading.Thread(target=kill_one)
        killer.start()
        found = xpsnet.fit_store(WINDOW, out, block_size=6)  # the active client is found
        killer.join()
    assert killed == [False]
    expected = xpsnet.fit_store(WINDOW, alone, block_size=6)
    xr.testing.assert_identical(found, expected)


def test_the_address_of_a_scheduler(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xpsnet.io.stores.reader.LAZY_BYTES", 0)  # workers read the file
    xpsnet.write(WINDOW[:2].chunk(y=1, x=4), tmp_path / "m.zarr")
    found = xpsnet.fit_store(
        tmp_path / "m.zarr",
        tmp_path / "p.zarr",
        block_size=6,
        scheduler=cluster.scheduler_address,
    )
    expected = xpsnet.fit_store(WINDOW[:2], tmp_path / "q.zarr")
    xr.testing.assert_identical(found.compute(), expected.compute())


def _threads(folder: str) -> int:
    """Threads that a fit within a block of this process would use."""
    seen: list[int] = []

    def write_block(*_: Any) -> None:
        seen.append(n_threads())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("xpsnet.pipeline.blocks.write_block", write_block)
        patch.setattr("xpsnet.pipeline.store.whole_blocks", lambda *_: [])
        xpsnet.fit_store(WINDOW[0, 0], f"{folder}/p.zarr")
    return seen[0]


def test_a_block_is_computed_in_one_thread(tmp_path: Path) -> None:
    assert _threads(str(tmp_path)) == 1


def test_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xpsnet.pipeline.store._ANSWER", 0.2)
    with pytest.raises(OSError, match=r"expected a dask scheduler at tcp://127.0.0.1:9, got no"):
        xpsnet.fit_store(WINDOW, tmp_path / "p.zarr", scheduler="tcp://127.0.0.1:9")
    assert not list(tmp_path.iterdir())


def test_fit_of_lazy_spectra_runs_on_the_cluster(cluster: Any) -> None:
    lazy = xpsnet.fit(WINDOW[:2].chunk(x=4))
    with distributed.Client(cluster):
        found = lazy.compute()
    xr.testing.assert_identical(found, lazy.compute())
