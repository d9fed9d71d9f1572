"""`xpsnet fit map.zarr -o peaks.zarr`, and `xpsnet info` of what it writes."""

import warnings
from pathlib import Path

import pytest
import xarray as xr

import xpsnet
from tests.pipeline.test_store import MAP, WINDOW
from xpsnet import cli
from xpsnet.pipeline import store


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    xpsnet.write(WINDOW.chunk(y=3, x=4), "m.zarr")
    return tmp_path / "m.zarr"


def test_from_store_to_store(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["fit", "m.zarr", "-o", "p.zarr", "-o", "p.csv", "--n-peaks", "2"]
    assert cli.main(words) == 0
    out = capsys.readouterr().out
    assert "48 spectra (y 6, x 8)" in out
    assert "wrote p.zarr\nwrote p.csv" in out
    xr.testing.assert_identical(
        xpsnet.read_fit("p.zarr")[0], xpsnet.fit(WINDOW.chunk(y=6), n_peaks=2).compute()
    )
    assert cli.main(["info", "p.zarr"]) == 0
    out = capsys.readouterr().out
    assert "peaks of window in p.zarr\nfit complete: 1 of 1 blocks\nspectra: y 6, x 8\n" in out
    assert "n_peaks 2" in out


def test_of_large_maps_only_the_sizes_are_printed(
    source: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xpsnet.io.stores.reader.LAZY_BYTES", 0)
    assert cli.main(["fit", "m.zarr", "-o", "p.zarr", "--n-peaks", "1"]) == 0
    out = capsys.readouterr().out
    assert "fit complete: 1 of 1 blocks\nspectra: y 6, x 8\n" in out
    assert "median" not in out


def test_a_stop_says_how_to_go_on(
    source: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, count = store.mark, []

    def mark(path: Path, place: int, *, done: bool = True) -> None:
        real(path, place, done=done)
        count.append(place)
        if len(count) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(store, "mark", mark)
    words = ["fit", "m.zarr", "-o", "p.zarr"]
    assert cli.main(words) == 130
    err = capsys.readouterr().err
    assert "p.zarr: fit in progress: 1 of 1 blocks, neighbors 0 of 1; the same command goes" in err
    assert cli.main(["info", "p.zarr"]) == 0
    out, err = capsys.readouterr()
    assert "fit in progress: 1 of 1 blocks, neighbors 0 of 1; the command that began it" in out
    assert err == ""
    with pytest.warns(xpsnet.XpsnetWarning, match="fit in progress"):
        xpsnet.read_fit("p.zarr")
    assert cli.main([*words, "--line-shape", "voigt"]) == 2
    assert "line_shape='auto', got line_shape='voigt'" in capsys.readouterr().err
    assert cli.main(words) == 0
    assert "going on" in capsys.readouterr().err
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert xpsnet.read_fit("p.zarr")[0].status.sizes == {"y": 6, "x": 8}
    assert cli.main([*words, "--line-shape", "voigt", "--overwrite"]) == 0


def test_other_outputs_are_written_at_once(source: Path) -> None:
    assert cli.main(["fit", "m.zarr", "-o", "p.nc", "--n-peaks", "1"]) == 0
    assert not (source.parent / "fit_run").exists()


@pytest.mark.parametrize("words", [["-o", "p.nc"], [], ["-o", "p.zarr", "--no-refine"]])
def test_a_scheduler_needs_two_stores(
    source: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["fit", "m.zarr", *words, "--scheduler", "tcp://127.0.0.1:9"]) == 2
    assert "expected a zarr store as input and one as output with" in capsys.readouterr().err


def test_info_of_spectra_is_as_before(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    xpsnet.write(MAP, "n.zarr")
    assert cli.main(["info", "n.zarr"]) == 0
    assert "C 1s" in capsys.readouterr().out
