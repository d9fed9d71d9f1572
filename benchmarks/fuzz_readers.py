"""Does any damaged file bring a reader down?

Question: does a reader end in anything but spectra or a `ReadError`, take longer than 5 s or more
than 1 GB, whatever the bytes? Sound files of every layout (those of tests/io, and measured ones
where there are any) are damaged by chance: bits, bytes and numbers changed, parts cut, repeated,
moved, spliced, lines and encodings changed, members of archives damaged inside. Each goes through
the format's own reader, whatever its `sniff` says, through `xpsnet.read` and `xpsnet.read_fit`.

    python benchmarks/fuzz_readers.py [--reader VAMAS] [--n 100000] [--seed 0] [--write]
    python benchmarks/fuzz_readers.py --reader VAMAS --seed 0 --case 4711    # shows one case again
"""

import argparse
import datetime
import gc
import itertools
import multiprocessing
import os
import platform
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "io" / "files")]
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402
from fuzz_seeds import SEEDS, Seed  # noqa: E402
from mutations import mutate, unpack  # noqa: E402

import xpsnet  # noqa: E402
from xpsnet.io.common.errors import ReadError  # noqa: E402
from xpsnet.io.read import READERS, sniff  # noqa: E402

PAGE = ROOT / "docs" / "robustness.md"
MAX_SECONDS = 5.0  # of processor time: the machine may be busy with other work
MAX_WALL_SECONDS = 30.0  # after which the parent process ends a reader that waits or loops in C
MAX_GROWTH = 1 << 30
MAX_MEASURED = 100_000  # bytes; larger files are damaged too seldom per second
MEASURED_SHARE = 0.1  # of the damaged files; the small synthetic ones are damaged in more places
CASES_PER_PROCESS = 10_000


class OverTimeError(BaseException):
    """A reader took too long; no `except Exception` of a reader catches it."""


@dataclass
class Tally:
    """What came of the damaged files of one reader."""

    outcomes: Counter[str] = field(default_factory=Counter)
    defects: dict[str, tuple[int, str]] = field(default_factory=dict)
    n_defects: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    growth: int = 0

    def add(self, other: "Tally") -> None:
        """Take over what another process found."""
        self.outcomes += other.outcomes
        self.n_defects += other.n_defects
        for key, found in other.defects.items():
            self.defects.setdefault(key, found)
        self.slowest = max(self.slowest, other.slowest)
        self.growth = max(self.growth, other.growth)

    def defect(self, key: str, case: int, story: str) -> None:
        """Note a defect; one story for each place is enough."""
        self.outcomes["defect"] += 1
        self.n_defects[key] += 1
        self.defects.setdefault(key, (case, story))


def seeds_of(reader: str, measured: Path | None) -> list[Seed]:
    """Sound files for one reader: synthetic ones, and measured ones that it claims."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-seeds-"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            seeds = SEEDS[reader](folder) if reader in SEEDS else []
    finally:
        shutil.rmtree(folder)
    for path in sorted(measured.rglob("*")) if measured else ():
        if path.is_file() and path.stat().st_size <= MAX_MEASURED and sniff(path) == reader:
            seeds.append(Seed(path.name, path.read_bytes(), is_measured=True))
    return seeds


def damaged(seeds: list[Seed], reader: str, seed: int, case: int) -> tuple[str, Seed]:
    """The damaged file of a number, always the same."""
    random_ = random.Random(f"{reader} {seed} {case}")  # noqa: S311
    measured = [one for one in seeds if one.is_measured]
    small = [one for one in seeds if not one.is_measured]
    from_measured = not small or (measured and random_.random() < MEASURED_SHARE)
    sound = random_.choice(measured if from_measured else small)
    partner = random_.choice([one for one in seeds if one.is_folder == sound.is_folder])
    what, data = mutate(sound.data, partner.data, random_)
    return f"{sound.name}: {what}", sound._replace(data=data)


def place(file: Seed, folder: Path) -> Path:
    """Put a damaged file, or folder of files, where it can be read."""
    path = folder / "damaged"
    if path.is_dir():
        shutil.rmtree(path)
    if not file.is_folder:
        path.write_bytes(file.data)
        return path
    path.unlink(missing_ok=True)
    path.mkdir()
    for name, data in _members(file.data).items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return path


def _members(data: bytes) -> dict[str, bytes]:
    """Files of a packed folder; none where the pack itself is damaged."""
    try:
        members = dict(unpack(data))
    except Exception:
        return {}
    safe = re.compile(r"(?!.*\.\.)[\w.-][\w./-]*[\w-]")
    return {name: one for name, one in members.items() if safe.fullmatch(name)}


def try_one(read: Any, path: Path) -> str:
    """Read a damaged file in all ways; say what came of it, or raise what no reader may raise."""
    name = _spectra_or_refusal(lambda: sniff(path))
    if next((one.read for one in READERS if one.name == name), None) is not read:
        # Else it is what xpsnet.read calls.
        _spectra_or_refusal(lambda: read(path).spectra)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        spectra = _spectra_or_refusal(lambda: xpsnet.read(path))
        n_warned = len(caught)
        _spectra_or_refusal(lambda: xpsnet.read_fit(path))
    if spectra is None:
        return "refused"
    for spectrum in spectra:
        check(spectrum)
    return "warned" if n_warned else "read"


def _spectra_or_refusal(read: Any) -> Any:
    """Result of a reader; None for a refusal that hides no lack of memory."""
    try:
        return read()
    except ReadError as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, MemoryError):
                raise cause from error
            cause = cause.__cause__ or cause.__context__
        return None


def check(spectrum: Any) -> None:
    """A spectrum that everything downstream can take."""
    energy = spectrum.energy.values
    steps = np.diff(energy)
    assert spectrum.dims[-1] == "energy", "energy is not the last dimension"
    assert spectrum.attrs["scale"] in ("binding", "kinetic"), "unknown scale"
    assert np.isfinite(energy).all(), "energies are not finite"
    assert (steps > 0).all() or (steps < 0).all(), "energies are not monotonic"
    if spectrum.chunks is None:
        assert spectrum.values.dtype.kind in "iuf", "counts are no numbers"


def taken(which: str) -> int:
    """Bytes of this process: address space ("VmSize"), memory ("VmRSS") and its peak ("VmHWM")."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(rf"{which}:\s*(\d+) kB", status)[1]) * 1024  # type: ignore[index]


def _over_time(number: int, frame: FrameType | None) -> NoReturn:
    raise OverTimeError


def work(reader: str, measured: Path | None, seed: int, cases: range, now: Any, out: Any) -> None:
    """Try damaged files in this process, which may die of it."""
    warnings.simplefilter("ignore")
    folder = Path(tempfile.mkdtemp(prefix="fuzz-", dir=shared_memory()))
    try:
        tally = Tally()
        seeds = seeds_of(reader, measured)
        read = next(one.read for one in READERS if one.name == reader)
        for sound in seeds:  # loads whatever is loaded on first use
            try_one(read, place(sound, folder))
        gc.freeze()  # what is loaded stays, and need not be gone over again and again
        signal.signal(signal.SIGPROF, _over_time)
        start = taken("VmSize")
        before = taken("VmRSS")
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (start + MAX_GROWTH, hard))
        for case in cases:
            now[0], now[1] = case, time.monotonic()
            _try_case(read, seeds, folder, (reader, seed, case), tally)
        tally.growth = max(taken("VmHWM") - before, 0)
        out.send(tally)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _try_case(read: Any, seeds: list[Seed], folder: Path, which: Any, tally: Tally) -> None:
    """Try one damaged file and note what came of it."""
    what, file = damaged(seeds, *which)
    path = place(file, folder)
    before = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
    try:
        tally.outcomes[try_one(read, path)] += 1
    except (Exception, OverTimeError) as error:
        signal.setitimer(signal.ITIMER_PROF, 0)
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "xpsnet" in frame.filename] or list(frames)
        where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
        story = f"{what}\n{''.join(traceback.format_exception(error, limit=-8))}"
        tally.defect(f"{type(error).__name__} at {where}", which[2], story)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    tally.slowest = max(tally.slowest, time.process_time() - before)


def shared_memory() -> str | None:
    """Folder in memory, where there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108


def run(reader: str, measured: Path | None, seed: int, n: int) -> Tally:
    """Try `n` damaged files in processes of their own, some thousand in each."""
    total, waiting = Tally(), [range(i, min(i + CASES_PER_PROCESS, n))
                               for i in range(0, n, CASES_PER_PROCESS)]  # fmt: skip
    while waiting:
        cases = waiting.pop(0)
        tally, at, code = _in_child(reader, measured, seed, cases)
        if tally is not None:
            total.add(tally)
            continue
        total.defect(f"process ended with {code}", at, f"exit code {code}\n")
        # What the process had counted is lost with it: its sound part is done again.
        parts = [range(cases.start, at), range(at + 1, cases.stop)]
        waiting[:0] = [part for part in parts if part]
    return total


def _in_child(
    reader: str, measured: Path | None, seed: int, cases: range
) -> tuple[Tally | None, int, int | None]:
    """Try some in a child: what it found, the last number it tried, its exit code."""
    context = multiprocessing.get_context("fork")
    now = context.Array("d", [float(cases.start), time.monotonic()], lock=False)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(
        target=work, args=(reader, measured, seed, cases, now, sender), daemon=True
    )
    process.start()
    sender.close()
    tally = _watched(process, receiver, now)
    return tally, int(now[0]), process.exitcode


def _watched(process: Any, receiver: Any, now: Any) -> Tally | None:
    """What a process found; None where it died or had to be ended."""
    while not receiver.poll(1.0):
        if time.monotonic() - now[1] > MAX_WALL_SECONDS:
            process.kill()
            break
    try:
        return receiver.recv()  # type: ignore[no-any-return]
    except EOFError:
        return None
    finally:
        process.join()


def row(reader: str, n_seeds: int, seed: int, tally: Tally, seconds: float) -> str:
    """Line of the table for one reader."""
    n = sum(tally.outcomes.values())
    shares = [f"{100 * tally.outcomes[kind] / n:.1f} %" for kind in ("read", "warned", "refused")]
    cells = [reader, f"{n:,}", str(seed), str(n_seeds), *shares, str(tally.outcomes["defect"])]
    cells += [f"{tally.slowest:.2f} s", f"{tally.growth >> 20} MB", f"{n / seconds:.0f}"]
    return f"| {' | '.join(cells)} |"


COLUMNS = ("reader", "damaged files", "seed", "sound files", "read", "with a warning", "refused",
           "defects", "slowest", "memory", "files/s")  # fmt: skip
HEADER = f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}"


def write_page(rows: Iterable[str]) -> None:
    """Put lines into the table of the page; a reader that was there is replaced."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(HEADER)
    if not rest:
        raise ValueError(f"expected the table with its head in {PAGE}, got none")
    lines = rest.lstrip("\n").splitlines()
    old = list(itertools.takewhile(lambda line: line.startswith("|"), lines))
    after = "\n".join(lines[len(old) :]).strip("\n") + "\n"
    table = {line.split("|")[1].strip(): line for line in [*old, *rows]}
    order = [reader.name for reader in READERS]
    ordered = sorted(
        table.items(), key=lambda item: order.index(item[0]) if item[0] in order else 99
    )
    body = "\n".join(line for _, line in ordered)
    stamp = (f"Last changed {datetime.date.today()}, Python {platform.python_version()}, "
             f"numpy {np.__version__}.")  # fmt: skip
    after = re.sub(r"Last changed.*", stamp, after)
    PAGE.write_text(f"{before}{HEADER}\n{body}\n\n{after}", encoding="utf-8")


def show(reader: str, measured: Path | None, seed: int, case: int) -> None:
    """Try one damaged file again in this process and keep it for a look."""
    seeds = seeds_of(reader, measured)
    what, file = damaged(seeds, reader, seed, case)
    folder = Path(tempfile.mkdtemp(prefix="fuzz-case-"))
    path = place(file, folder)
    print(f"{what}\n{path}", flush=True)
    read = next(one.read for one in READERS if one.name == reader)
    print(try_one(read, path))


def main(arguments: list[str] | None = None) -> int:
    """Print the table and the defects; the exit code tells whether there were any."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reader", action="append", choices=[one.name for one in READERS])
    parser.add_argument("--n", type=int, default=1000, help="damaged files per reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", type=int, help="show this one again")
    parser.add_argument("--measured", default=os.environ.get("XPSNET_REAL_DATA"))
    parser.add_argument("--write", action="store_true", help="put the table into the docs")
    chosen = parser.parse_args(arguments)
    measured = Path(chosen.measured) if chosen.measured else None
    readers = chosen.reader or [one.name for one in READERS if one.name in SEEDS]
    if chosen.case is not None:
        show(readers[0], measured, chosen.seed, chosen.case)
        return 0
    print(HEADER, flush=True)
    rows, n_kinds = [], 0
    for reader in readers:
        start = time.perf_counter()
        tally = run(reader, measured, chosen.seed, chosen.n)
        seconds = time.perf_counter() - start
        rows.append(row(reader, len(seeds_of(reader, measured)), chosen.seed, tally, seconds))
        print(rows[-1], flush=True)
        for key, (case, story) in tally.defects.items():
            times = tally.n_defects[key]
            print(f"{reader}: {key}, {times} times, first case {case}: {story}", file=sys.stderr)
        n_kinds += len(tally.defects)
        if chosen.write:
            write_page(rows[-1:])
    return 1 if n_kinds else 0


if __name__ == "__main__":
    sys.exit(main())
