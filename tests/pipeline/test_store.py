"""`fit_store`: the numbers of `fit`, whatever happened between the first block and the last."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.data.peaks import make_peaks
from xpsnet.data.spectrum import make_spectrum
from xpsnet.data.status import Status
from xpsnet.io.stores import block_store
from xpsnet.models.weights import load_model
from xpsnet.pipeline import blocks, store
from xpsnet.pipeline.blocks import Grid, cut_into_blocks
from xpsnet.pipeline.store_state import as_json, from_json

ENERGY = np.linspace(280.0, 292.0, 81)
UNFINISHED = "fit in progress"


def map_of(*shape: int, name: str | None = "C 1s") -> xr.DataArray:
    """Counts of one or two states, a thirtieth of them at the right."""
    dims = ("y", "x")[-len(shape) :]
    grids = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    y, x = grids[0], grids[-1]
    exists = np.stack([x < 2, np.sin(4 * x + 2 * y) > -0.2], axis=-1)
    center = np.array([284.8, 286.2]) + 0.1 * x[..., None]
    strength = np.where(x > 0.3, 0.03, 1.0)
    truth = make_peaks(
        ENERGY, dims, scale="binding", line_shape="pseudo_voigt", background="shirley",
        parameters={"center": np.where(exists, center, np.nan), "fwhm": 1.2,
                    "height": strength[..., None] * np.array([2000.0, 900.0]), "fraction": 0.3},
        background_parameters={"constant": 300 * strength, "shirley": np.full(shape, 0.03)},
        status=0,
    )  # fmt: skip
    drawn = np.random.default_rng(7).poisson(xpsnet.curves(truth).envelope.values)
    return make_spectrum(
        drawn.astype(float), ENERGY, dims=(*dims, "energy"), scale="binding", name=name
    )


MAP = map_of(6, 8)
WINDOW = MAP.rename("window")
SHIFTS = xr.DataArray(np.linspace(-0.2, 0.2, 48).reshape(6, 8), dims=("y", "x"))
CASES: dict[str, tuple[xr.DataArray, dict[str, Any]]] = {
    "states": (MAP, {}),
    "lines": (WINDOW, {}),
    "noise of each": (WINDOW, {"noise": "each"}),
    "covariance": (MAP, {"covariance": True, "scale_errors": True, "noise": "each"}),
    "given shape": (WINDOW, {"n_peaks": 2, "line_shape": "GL(30)", "constraints": {"fwhm": 1.2}}),
    "links": (WINDOW, {"n_peaks": 2, "constraints": {"center_2": "center_1 + 1.4"}}),
    "arrays": (WINDOW, {"background": 0 * MAP + 90.0, "noise": np.sqrt(MAP + 1),
                        "energy_range": (281.0, 290.0), "follow": 2}),
    "alone": (MAP, {"neighbors": False}),
    "kinetic": (xpsnet.to_kinetic(MAP.assign_attrs(photon_energy=1486.6)), {}),
    "charge": (MAP.assign_coords(charge_shift=SHIFTS), {"energy_range": (281.0, 290.0)}),
    "one spectrum": (MAP[2, 2], {}),
    "line scan": (MAP[:2].stack(position=("y", "x")).reset_index("position", drop=True)
                  .transpose("position", "energy"), {}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_numbers_are_those_of_lazy_spectra(case: str, tmp_path: Path) -> None:
    spectra, options = CASES[case]
    found = xpsnet.fit_store(spectra, tmp_path / "p.zarr", block_size=9, **options)
    chunks = {d: 5 for d in spectra.dims if d != "energy"}
    expected = xpsnet.fit(spectra.chunk(chunks) if chunks else spectra, **options)
    xr.testing.assert_identical(found.load(), expected.compute())
    again = xpsnet.fit_store(spectra, tmp_path / "p.zarr", block_size=9, **options)
    xr.testing.assert_identical(again, found)


def test_from_file_to_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = tmp_path / "m.zarr", tmp_path / "p.zarr"
    xpsnet.write(MAP.chunk(y=3, x=4), source)
    monkeypatch.setattr("xpsnet.io.stores.reader.LAZY_BYTES", 0)
    seen: list[tuple[int, int]] = []
    found = xpsnet.fit_store(
        source, out, block_size=12, progress=lambda *now: seen.append(now)
    ).compute()
    xr.testing.assert_identical(found, xpsnet.fit(MAP.chunk(y=3, x=4)).compute())
    assert seen == sorted(seen)
    assert seen[-1] == (48, 48)
    assert not (out / "fit_run" / "first").exists()
    with xr.open_zarr(out) as opened:  # put together for other readers
        assert opened.sizes == found.sizes


def test_large_chunks_are_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xpsnet.io.stores.reader.LAZY_BYTES", 0)
    monkeypatch.setattr(store, "_READ_AT_ONCE", "1kiB")  # warned of by xarray where they are split
    xpsnet.write(WINDOW.chunk(y=5, x=7), tmp_path / "m.zarr")
    with store.reading_in_blocks():
        assert xpsnet.read_one(tmp_path / "m.zarr").chunks == ((5, 1), (7, 1), (81,))
    monkeypatch.setattr(store, "_READ_AT_ONCE", "1MiB")
    with store.reading_in_blocks():
        assert xpsnet.read_one(tmp_path / "m.zarr").chunks == ((6,), (8,), (81,))


def test_from_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xpsnet.io.stores.reader.LAZY_BYTES", 0)
    xpsnet.write(MAP, tmp_path / "m.nc")
    found = xpsnet.fit_store(tmp_path / "m.nc", tmp_path / "p.zarr", block_size=12).compute()
    xr.testing.assert_identical(found, xpsnet.fit(MAP.chunk(y=3, x=4)).compute())


def stopped(out: Path, spectra: xr.DataArray = WINDOW, after: int = 2, **options: Any) -> None:
    """A fit that was stopped after some blocks."""
    calls = []

    def stop() -> bool:
        calls.append(1)
        return len(calls) >= after

    with pytest.warns(xpsnet.XpsnetWarning, match=UNFINISHED):
        xpsnet.fit_store(spectra, out, block_size=6, cancel=stop, **options)


@pytest.fixture(scope="module")
def expected() -> xr.Dataset:
    return xpsnet.fit(WINDOW.chunk(y=3, x=4)).compute()


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("half") / "p.zarr"
    stopped(out)
    return out


@pytest.fixture
def begun(half: Path, tmp_path: Path) -> Path:
    shutil.copytree(half, tmp_path / "p.zarr")
    return tmp_path / "p.zarr"


def test_a_fit_in_progress_is_visible(begun: Path) -> None:
    with pytest.warns(xpsnet.XpsnetWarning, match=r"p.zarr: fit in progress: \d of 12 blocks"):
        peaks = xpsnet.read_fit(begun)[0]
    assert (peaks.status == Status.NOT_DONE).all()
    assert peaks.center.isnull().all()
    assert dict(peaks.n_peaks.sizes) == {"y": 6, "x": 8}


def test_the_same_call_goes_on(
    begun: Path, expected: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = block_store.progress_of(begun)
    assert state is not None
    computed: list[int] = []
    real = blocks.fit_block

    def fit_block(run: Any, number: int, block: Any) -> None:
        computed.append(number)
        real(run, number, block)

    monkeypatch.setattr(store, "fit_block", fit_block)
    monkeypatch.setattr(store, "make_plan", None)  # the plan is that of the store
    found = xpsnet.fit_store(WINDOW, begun, block_size=6)
    assert computed.count(0) == 12 - state.done[0]
    assert computed.count(1) == 12
    xr.testing.assert_identical(found, expected)


OTHERS: dict[str, dict[str, Any]] = {
    "line_shape": {"line_shape": "voigt"},
    "background": {"background": "linear"},
    "n_peaks": {"n_peaks": 2},
    "follow": {"follow": False},
    "noise": {"noise": np.ones((6, 8, 81))},
    "constraints": {"constraints": {"fwhm": (0.5, 2.0)}},
    "energy_range": {"energy_range": (281.0, 291.0)},
    "model": {"model": "park2020"},
    "block_size": {"block_size": 12},
    "doublets": {"doublets": [xpsnet.doublet("S 2p")]},
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_options_are_refused(begun: Path, name: str) -> None:
    with pytest.raises(ValueError, match=rf"begun in .*p.zarr, {name}=.*got {name}=.*overwrite"):
        xpsnet.fit_store(WINDOW, begun, **{"block_size": 6, **OTHERS[name]})
    assert block_store.progress_of(begun) is not None


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("counts", lambda s: s + 1),
        ("coordinates", lambda s: s.assign_coords(energy=s.energy + 0.1)),
        ("attributes", lambda s: s.assign_attrs(dwell_time=0.2)),
        ("sizes", lambda s: s.isel(y=slice(0, 5))),
        ("name", lambda s: s.rename("other window")),
        ("type of numbers", lambda s: s.astype(np.float32)),
    ],
)
def test_other_spectra_are_refused(
    begun: Path, what: str, change: Callable[[xr.DataArray], xr.DataArray]
) -> None:
    with pytest.raises(ValueError, match=f"got others: their {what} differ"):
        xpsnet.fit_store(change(WINDOW), begun, block_size=6)


def test_overwrite_begins_again(begun: Path) -> None:
    found = xpsnet.fit_store(WINDOW[:2], begun, n_peaks=1, overwrite=True)
    assert dict(found.n_peaks.sizes) == {"y": 2, "x": 8}


def test_what_is_no_fit_is_not_replaced(tmp_path: Path) -> None:
    out = tmp_path / "m.zarr"
    xpsnet.write(MAP, out)
    with pytest.raises(FileExistsError, match="expected a new file"):
        xpsnet.fit_store(MAP, out)
    xr.testing.assert_identical(xpsnet.read_one(out), MAP)


def test_a_block_is_done_only_after_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "p.zarr"
    real = store.mark

    def mark(path: Path, place: int, *, done: bool = True) -> None:
        assert done
        number, i = divmod(place, 12)
        group = "fit_run/first" if number == 0 else ""
        arrays = block_store.read_state(path)["arrays"][group]
        block = Grid({"y": 6, "x": 8}, tuple(block_store.read_state(path)["block"])).blocks[i]
        assert block_store.whole_blocks(path, group, arrays, [block]) == [True]
        real(path, place)

    monkeypatch.setattr(store, "mark", mark)
    xpsnet.fit_store(WINDOW, out, block_size=6)


def test_whole_blocks_are_seen_beside_a_file_that_is_being_renamed(tmp_path: Path) -> None:
    folder = tmp_path / "center"
    folder.mkdir()
    (folder / "0.0").write_bytes(b"1")
    # Listed, but gone when its size is asked for: so is a file that gets its final name then.
    (folder / "0.1.partial").symlink_to(folder / "gone")
    found = block_store.whole_blocks(tmp_path, "", {"center": 2}, [(0, 0), (0, 1)])
    assert found == [True, False]


@pytest.mark.parametrize("damage", ["missing", "empty"])
def test_a_block_without_a_file_is_computed_again(
    begun: Path, expected: xr.Dataset, damage: str
) -> None:
    done = np.flatnonzero(block_store.read_done(begun)[0])
    block = Grid({"y": 6, "x": 8}, tuple(block_store.read_state(begun)["block"])).blocks[done[0]]
    file = begun / "fit_run" / "first" / "score" / block_store.chunk_name(block, 3)
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(b"")
    xr.testing.assert_identical(xpsnet.fit_store(WINDOW, begun, block_size=6), expected)


def test_a_complete_fit_without_a_file_is_refused(begun: Path) -> None:
    xpsnet.fit_store(WINDOW, begun, block_size=6)
    (begun / "center" / "0.0.0").unlink()
    with pytest.raises(ValueError, match=r"all files of the fit .* for 1 of 12 blocks; begin"):
        xpsnet.fit_store(WINDOW, begun, block_size=6)


@pytest.mark.parametrize("file", [".zattrs", "done/0.0", "done/.zarray"])
def test_a_damaged_state_is_refused(begun: Path, file: str) -> None:
    (begun / "fit_run" / file).write_bytes(b"{")
    with pytest.raises(xpsnet.ReadError, match=r"begin the fit again with overwrite=True"):
        xpsnet.fit_store(WINDOW, begun, block_size=6)


NO_PLAN = {"class": "Model", "fields": {}}


@pytest.mark.parametrize(
    ("name", "value"), [*((name, None) for name in block_store.STATE), ("decided", NO_PLAN)]
)
def test_a_state_without_a_part_is_refused(begun: Path, name: str, value: object) -> None:
    file = begun / "fit_run" / ".zattrs"
    attrs = json.loads(file.read_text())
    state = json.loads(attrs["state"])
    del state[name]
    if value is not None:
        state[name] = value
    file.write_text(json.dumps({**attrs, "state": json.dumps(state)}))
    with pytest.raises(xpsnet.ReadError, match=r"expected the state of a fit .* begin the fit"):
        xpsnet.fit_store(WINDOW, begun, block_size=6)


def test_the_spectra_are_not_replaced(tmp_path: Path) -> None:
    xpsnet.write(MAP, tmp_path / "m.zarr")
    for out in ("m.zarr", "m.zarr/p.zarr"):
        with pytest.raises(ValueError, match="expected another folder as out"):
            xpsnet.fit_store(tmp_path / "m.zarr", tmp_path / out, overwrite=True)
    xr.testing.assert_identical(xpsnet.read_one(tmp_path / "m.zarr"), MAP)


def test_a_full_disk_loses_nothing(
    begun: Path, expected: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = block_store.progress_of(begun)
    count = 0

    def sync_file(path: Path) -> None:
        nonlocal count
        count += 1
        if count > 60:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(block_store, "sync_file", sync_file)
        with pytest.raises(OSError, match=r"expected to write .*No space left.*free some") as info:
            xpsnet.fit_store(WINDOW, begun, block_size=6)
    assert info.value.errno == errno.ENOSPC
    after = block_store.progress_of(begun)
    assert before is not None
    assert after is not None
    assert sum(after.done) > sum(before.done)
    xr.testing.assert_identical(xpsnet.fit_store(WINDOW, begun, block_size=6), expected)


def test_a_lost_folder_is_a_sentence(begun: Path) -> None:
    def lose(done: int, total: int) -> None:
        shutil.rmtree(begun, ignore_errors=True)

    with pytest.raises(OSError, match=r"expected to write .*p.zarr.*its network drive"):
        xpsnet.fit_store(WINDOW, begun, block_size=6, progress=lose)


def test_spectra_that_are_gone_are_no_spectra_without_counts(
    tmp_path: Path, expected: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xpsnet.io.stores.reader.LAZY_BYTES", 0)
    source, aside, out = (tmp_path / name for name in ("m.zarr", "n.zarr", "p.zarr"))
    xpsnet.write(WINDOW.chunk(y=1, x=4), source)

    def lose(done: int, total: int) -> None:
        if source.exists():
            source.rename(aside)

    with pytest.raises(OSError, match=r"expected the spectra in .*m.zarr, got no such file"):
        xpsnet.fit_store(source, out, block_size=4, progress=lose)
    aside.rename(source)
    found = xpsnet.fit_store(source, out, block_size=4).compute()
    xr.testing.assert_identical(found, expected)


def test_damaged_spectra_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xpsnet.io.stores.reader.LAZY_BYTES", 0)
    source, out = tmp_path / "m.zarr", tmp_path / "p.zarr"
    xpsnet.write(WINDOW.chunk(y=1, x=4), source)
    fit_block = store.fit_block

    def damage(run: Any, number: int, block: Any) -> None:
        for file in source.glob("counts/[0-9]*"):
            file.write_bytes(b"damaged")
        fit_block(run, number, block)

    monkeypatch.setattr(store, "fit_block", damage)
    with pytest.raises(xpsnet.ReadError, match=r"m.zarr, y \d to \d, x \d to \d: expected spectra"):
        xpsnet.fit_store(source, out, block_size=4)


def test_split_energies_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "m.zarr"
    split = {"counts": {"chunks": (6, 8, 20)}}
    MAP.rename("counts").to_dataset().to_zarr(source, encoding=split, zarr_format=2)
    monkeypatch.setattr("xpsnet.io.stores.reader.LAZY_BYTES", 0)
    with pytest.raises(ValueError, match=r"whole spectra in every chunk, got chunks of 20 of 81"):
        xpsnet.fit_store(source, tmp_path / "p.zarr")
    with pytest.raises(ValueError, match=r"got chunks of 40 of 81 energies in the spectra"):
        xpsnet.fit_store(MAP.chunk(energy=40), tmp_path / "p.zarr")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"linehape": "voigt"}, r"expected options of xpsnet.fit \(model, .*got linehape="),
        ({"out": "p.nc"}, r"expected a folder that ends with .zarr"),
        ({"spectra": MAP[:0]}, r"expected at least one spectrum"),
        ({"scheduler": "many"}, r"expected the address of a scheduler .*got scheduler='many'"),
    ],
)
def test_wrong_arguments(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    spectra, out = given.pop("spectra", MAP), given.pop("out", "p.zarr")
    with pytest.raises(ValueError, match=message):
        xpsnet.fit_store(spectra, tmp_path / out, **given)
    assert not list(tmp_path.iterdir())


def test_the_plan_comes_back_as_it_was(half: Path) -> None:
    state = block_store.read_state(half)["decided"]
    decided = from_json(state, load_model())
    assert json.dumps(as_json(decided)) == json.dumps(state)
    assert decided.noise.model.gain.shape == (1,)


SCRIPT = """
import sys, xpsnet
xpsnet.fit_store(sys.argv[1], sys.argv[2], block_size=6)
"""


def test_killed_at_any_moment(tmp_path: Path, expected: xr.Dataset) -> None:
    source, out = tmp_path / "m.zarr", tmp_path / "p.zarr"
    xpsnet.write(WINDOW, source)
    rng = np.random.default_rng(1)
    kills = 0
    for wanted in (0, 4, 10):
        running = subprocess.Popen([sys.executable, "-c", SCRIPT, str(source), str(out)])
        end = time.monotonic() + 120
        while running.poll() is None and time.monotonic() < end:
            state = block_store.progress_of(out)
            if state is not None and sum(state.done) >= wanted:
                time.sleep(float(rng.uniform(0, 0.05)))
                running.send_signal(signal.SIGKILL)
                break
            time.sleep(0.002)
        kills += running.wait() == -signal.SIGKILL
    assert kills == 3
    xr.testing.assert_identical(xpsnet.fit_store(source, out, block_size=6), expected)
    left = [name for _, _, names in os.walk(tmp_path) for name in names if "partial" in name]
    assert left == []


@pytest.mark.parametrize(
    ("shape", "chunks", "most", "block"),
    [
        ((64, 64), None, 256, (16, 16)),
        ((64, 64), {"y": 10, "x": 64}, 2000, (20, 64)),
        ((64, 64), {"y": 64, "x": 64}, 1000, (16, 32)),
        ((5000,), None, 2048, (2048,)),
        ((3, 2), None, 2048, (3, 2)),
        ((), None, 2048, ()),
    ],
)
def test_blocks_hold_whole_chunks(
    shape: tuple[int, ...], chunks: dict[str, int] | None, most: int, block: tuple[int, ...]
) -> None:
    dims = ("y", "x")[: len(shape)]
    spectra = xr.DataArray(np.zeros((*shape, 3)), dims=(*dims, "energy"))
    grid = cut_into_blocks(spectra if chunks is None else spectra.chunk(chunks), most)
    assert grid.block == block
    assert sum(map(grid.n_spectra, grid.blocks)) == np.prod(shape)
    covered = np.zeros(shape, dtype=int)
    for one in grid.blocks:
        covered[tuple(grid.place(one).values())] += 1
        wide, inside = grid.place(one, 2), grid.inside(one, 2)
        for d, own in grid.place(one).items():
            assert wide[d].start + inside[d].start == own.start
            assert wide[d].start + inside[d].stop == own.stop
    assert (covered == 1).all()


def test_state_is_plain_json(half: Path) -> None:
    text = (half / "fit_run" / ".zattrs").read_text()
    state = json.loads(json.loads(text)["state"])
    assert state["asked"]["model"].startswith("default, weights ")
    assert state["spectra"]["sizes"] == {"y": 6, "x": 8, "energy": 81}
