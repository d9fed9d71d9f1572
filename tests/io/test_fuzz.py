"""A small, seeded part of the fuzz run (docs/robustness.md), and the harness itself."""

import importlib.util
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fuzz_seeds import SEEDS
from mutations import mutate, pack, unpack

import xpsnet
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import READERS

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "fuzz_readers.py"


@pytest.fixture(scope="module")
def harness():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("fuzz_readers", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_readers"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_damaged_files_end_in_spectra_or_a_refusal() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "XPSNET_REAL_DATA"}
    done = subprocess.run(
        [sys.executable, SCRIPT, "--n", "60", "--seed", "1"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("| 60 | 1 |") == len(SEEDS)


def test_every_reader_has_sound_files() -> None:
    names = {reader.name for reader in READERS}
    assert set(SEEDS) == names - {"no spectra"}


@pytest.mark.parametrize("reader", SEEDS)
def test_sound_files_are_read(harness, tmp_path: Path, reader: str) -> None:
    read = next(one.read for one in READERS if one.name == reader)
    for file in harness.seeds_of(reader, None):
        path = harness.place(file, tmp_path)
        assert harness.sniff(path) == reader, file.name
        if file.holds_peaks:
            (peaks,) = xpsnet.read_fit(path)
            assert peaks.sizes["peak"] == 2
        else:
            assert harness.try_one(read, path) in ("read", "warned"), file.name


def test_a_seed_gives_the_same_damage_again() -> None:
    sound, other = b"energy,counts\n1,2\n3,4\n" * 9, bytes(range(256))
    for data in (sound, other, pack({"a": sound, "b": other})):
        damaged = [mutate(data, data[::-1], random.Random(i)) for i in range(50)]
        again = [mutate(data, data[::-1], random.Random(i)) for i in range(50)]
        assert damaged == again
        assert len({one for _, one in damaged}) > 30


def test_members_of_archives_are_damaged_inside() -> None:
    data = pack({"a.txt": b"energy,counts\n1,2\n3,4\n" * 9})
    intact = 0
    for i in range(50):
        what, damaged = mutate(data, data, random.Random(i))
        if what.startswith("a.txt: "):
            intact += bool(unpack(damaged)) or what.endswith("left out")
    assert intact > 30


def test_other_exceptions_and_lost_time_are_defects(harness, tmp_path: Path, monkeypatch) -> None:
    def read(path: Path):
        number = len(tally.outcomes) + sum(tally.outcomes.values())
        if number == 0:
            raise IndexError("list index out of range")
        if number < 3:
            try:
                np.empty(1 << 50)
            except MemoryError as error:
                raise ReadError("no memory") from error
        while True:
            pass

    monkeypatch.setattr(harness, "MAX_SECONDS", 0.05)
    monkeypatch.setattr(harness, "MAX_WALL_SECONDS", 20.0)
    tally = harness.Tally()
    before = signal.signal(signal.SIGPROF, harness._over_time)
    try:
        seeds = harness.seeds_of("text", None)
        for case in range(3):
            harness._try_case(read, seeds, tmp_path, ("text", 0, case), tally)
    finally:
        signal.signal(signal.SIGPROF, before)
    kinds = [key.split(" ")[0] for key in tally.defects]
    assert [kinds[0], kinds[2]] == ["IndexError", "OverTimeError"]
    assert kinds[1].endswith("MemoryError")
