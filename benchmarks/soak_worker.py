"""What a worker process of `soak.py` does: cases by number, each from the seed alone.

It gets its settings as JSON in the first argument and prints one JSON list a line. Before its
threads begin it writes once to the folder, sees that nothing of the killed processes before it is
left there, and reads back every file that its slot has ever written.
"""

import contextlib
import errno
import faulthandler
import functools
import hashlib
import io
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_readers import SEEDS, check, damaged, place, seeds_of
from write_faults import FORMATS, LIMITS, contents, limited

import xpsnet
from xpsnet.io.common import atomic_write
from xpsnet.io.common.errors import ReadError

KINDS = {"damaged file": 5, "read back": 3, "fit": 4, "bad numbers": 3, "bad energies": 1,
         "refine": 2, "confidence": 1, "plot": 2, "lazy map to zarr": 2, "write": 6,
         "full disk": 0.3}  # fmt: skip
# What each may raise, and then in the words of the library only; the others may raise nothing.
REFUSALS = {"damaged file": ReadError, "bad energies": ValueError, "confidence": ValueError,
            "lazy map to zarr": OSError, "write": (ValueError, OSError)}  # fmt: skip
N_SPECTRA, N_WINDOWS = 24, 8
CALLS = ("open", "mkdir", "write", "fsync", "close", "replace", "rename")
WITHOUT_DIGEST = (".vms", ".json")
COMPARED = ("center", "fwhm", "height", "redchi", "status")
_here = threading.local()  # what shall happen to the calls of the system in this thread
_out = threading.Lock()
_disk = threading.Lock()


def tell(*words: Any) -> None:
    """Print one line for the parent."""
    with _out:
        sys.stdout.write(json.dumps(words) + "\n")
        sys.stdout.flush()


def break_calls(kill: bool) -> None:
    """Let calls of the system fail, or end the process, where a thread has planned it."""

    def breaking(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call(*given: Any, **named: Any) -> Any:
            left = getattr(_here, "left", 0)
            if left:
                _here.left = left - 1
                if left == 1:
                    if _here.kills and kill:
                        tell("kills itself", _here.thread)
                        os.kill(os.getpid(), signal.SIGKILL)
                    _here.n_full += 1
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return original(*given, **named)

        return call

    for name in CALLS:
        setattr(os, name, breaking(getattr(os, name)))


@functools.cache
def seeds(reader: str) -> list[Any]:
    """Sound files of a reader, made once."""
    return seeds_of(reader, None)


@functools.cache
def simulated() -> Any:
    """The spectra that all workers fit."""
    return xpsnet.simulate(N_SPECTRA, "default", seed=1)["spectra"]


def spectrum(number: int) -> Any:
    """One of these spectra."""
    return simulated().isel(spectrum=number, drop=True).dropna("energy").rename("C 1s")


def window(number: int) -> Any:
    """A part of the sample map."""
    return xpsnet.sample("map")[8 * number : 8 * number + 5, 3 * number : 3 * number + 6]


@functools.cache
def starts(number: int) -> Any:
    """Peaks of a spectrum as the network gives them."""
    return xpsnet.predict(spectrum(number), device="cpu")


def digest(data: Any) -> str:
    """Short name for all bits of spectra or peaks; NaN does not count, nor what a table holds as
    NaN, infinity.
    """
    named = hasattr(data, "data_vars")
    arrays = [data[name] for name in COMPARED if name in data] if named else [data]
    found = hashlib.sha256()
    for one in arrays:
        values = np.asarray(one.values, dtype=float)
        found.update(values[np.isfinite(values)].tobytes())
    return found.hexdigest()[:16]


def spoiled(clean: Any, random_: random.Random) -> Any:
    """Spectra with numbers that no detector gives."""
    values = clean.values.astype(float)
    bad = random_.choice([np.nan, np.inf, -np.inf, 1e308, -1e308, 1e-320, -1e6, 0.0, 1e200])
    how = random_.choice(["all", "some", "one", "half", "range"])
    rows = values.reshape(-1, values.shape[-1])
    n = rows.shape[-1]
    for row in rows if how == "all" else rows[: max(1, len(rows) // 2)]:
        if how == "range":
            row *= random_.choice([1e-300, 1e150, -1.0, 1e-12])
        else:
            count = {"all": n, "one": 1, "half": n // 2, "some": n // 10}[how]
            row[random_.sample(range(n), count)] = bad
    return clean.copy(data=rows.reshape(values.shape))


def misplaced(clean: Any, random_: random.Random) -> Any:
    """A spectrum whose energies are no axis."""
    energy = clean.energy.values.copy()
    how = random_.choice(["nan", "inf", "repeated", "shuffled", "one", "none", "huge"])
    if how in ("one", "none"):
        return clean[: how == "one"]
    if how == "repeated":
        energy[1] = energy[0]
    elif how == "shuffled":
        random_.shuffle(energy)
    else:
        energy[3] = {"nan": np.nan, "inf": np.inf, "huge": 1e308}[how]
    return clean.assign_coords(energy=energy)


class Thread:
    """One thread of a worker: its files, and what the case under way has found."""

    def __init__(self, settings: dict[str, Any], number: int) -> None:
        self.settings, self.number = settings, number
        self.folder = Path(settings["folder"])
        self.own = f"{settings['slot']}-{number}"
        self.damaged = Path(tempfile.mkdtemp(prefix=f"{self.own}-", dir=settings["scratch"]))
        self.found: dict[str, Any] = {}

    def try_case(self, case: int) -> None:
        """Try one case and tell what came of it."""
        random_ = random.Random(f"{self.settings['seed']} {case}")  # noqa: S311
        kind = random_.choices(list(KINDS), list(KINDS.values()))[0]
        tell("begins", self.number, case, kind)
        _here.left, _here.n_full, _here.kills, _here.thread = 0, 0, False, self.number
        self.found, outcome, story = {}, "done", ""
        try:
            getattr(self, kind.replace(" ", "_"))(random_)
        except Exception as error:  # whatever comes is classified here, the worker goes on
            outcome = "refused" if _is_refusal(kind, error) else "defect"
            if outcome == "defect":
                story = "".join(traceback.format_exception(error, limit=-8))
        self.found["n_full"] = _here.n_full
        tell("ends", self.number, case, kind, outcome, story, self.found)

    def damaged_file(self, random_: random.Random) -> None:
        reader = random_.choice(list(SEEDS))
        with _disk:  # this file has to be made, even if the disk is full for the library
            which = reader, self.settings["seed"], random_.randrange(1 << 40)
            _, file = damaged(seeds(reader), *which)
            path = place(file, self.damaged)
        with contextlib.suppress(ReadError):  # few files hold fits: the spectra are what counts
            xpsnet.read_fit(path)
        for one in xpsnet.read(path):
            check(one)

    def read_back(self, random_: random.Random) -> None:
        """Read a file whole, of another thread too: files are replaced in one step."""
        names = [name for name in sorted(os.listdir(self.folder)) if not name.startswith(".")]
        names = [name for name in names if name.startswith(self.own) or ".zarr" not in name]
        if names:
            check_whole(self.folder / random_.choice(names))

    def fit(self, random_: random.Random) -> None:
        if random_.random() < 0.3:
            number = random_.randrange(N_WINDOWS)
            return self.same(f"map {number}", xpsnet.fit(window(number), device="cpu"))
        number, line = random_.randrange(N_SPECTRA), random_.choice(["pseudo_voigt", "gaussian"])
        peaks = xpsnet.fit(spectrum(number), device="cpu", line_shape=line)
        return self.same(f"spectrum {number} {line}", peaks)

    def bad_numbers(self, random_: random.Random) -> None:
        clean = random_.choice([spectrum, window])(random_.randrange(N_WINDOWS))
        bad = spoiled(clean, random_)
        peaks = xpsnet.fit(bad, device="cpu")
        self.same(f"bad {hashlib.sha256(bad.values.tobytes()).hexdigest()}", peaks)
        if random_.random() < 0.3:
            xpsnet.plot(bad, peaks).savefig(io.BytesIO())

    def bad_energies(self, random_: random.Random) -> None:
        bad = misplaced(spectrum(random_.randrange(N_SPECTRA)), random_)
        xpsnet.fit(bad, device="cpu")

    def refine(self, random_: random.Random) -> None:
        number, engine = random_.randrange(N_SPECTRA), random_.choice(["lmfit", "batch"])
        background = random_.choice(["shirley+linear", "linear", "static shirley"])
        peaks = xpsnet.refine(
            spectrum(number), starts(number), engine=engine, background=background
        )
        self.same(f"refined {number} {engine} {background}", peaks)

    def confidence(self, random_: random.Random) -> None:
        number, method = random_.randrange(N_SPECTRA), random_.choice(["profile", "bootstrap"])
        peaks = xpsnet.refine(spectrum(number), starts(number))
        found = xpsnet.confidence(spectrum(number), peaks, method=method, n_replicas=20)
        self.found["same"] = f"interval {number} {method}", digest(found.center_upper)

    def plot(self, random_: random.Random) -> None:
        number, drawn = random_.randrange(N_SPECTRA), io.BytesIO()
        xpsnet.plot(spectrum(number), starts(number)).savefig(drawn, format="png")
        self.found["same"] = f"plot {number}", hashlib.sha256(drawn.getvalue()).hexdigest()

    def lazy_map_to_zarr(self, random_: random.Random) -> None:
        number = random_.randrange(N_WINDOWS)
        whole = digest(xpsnet.fit(window(number), device="cpu"))
        lazy = xpsnet.fit(window(number).chunk(y=3, x=3), device="cpu")
        self.write_to("peaks-lazy.zarr", lazy.assign_attrs(digest=whole), None, random_)

    def write(self, random_: random.Random) -> None:
        number, suffix = random_.randrange(N_SPECTRA), random_.choice(list(FORMATS))
        spectra = spectrum(number)
        if random_.random() < 0.2:
            spectra = spoiled(spectra, random_)
        spectra = spectra.assign_attrs(digest=digest(spectra))
        data = spectra
        if what := random_.choice(["peaks", ""]):
            data = xpsnet.refine(spectra, starts(number), engine="batch")
            data = data.assign_attrs(digest=digest(data))
        beside = spectra if suffix in (".vms", ".nxs", ".xlsx") and what else None
        self.write_to(f"{what or 'spectra'}-{random_.randrange(2)}{suffix}", data, beside, random_)

    def write_to(self, name: str, data: Any, spectra: Any, random_: random.Random) -> None:
        """Write over a file of this thread, in a third of the cases with a call that fails."""
        path = self.folder / f"{self.own}-{name}"
        before = contents(path) if path.exists() else None
        if random_.random() < 0.3:
            _here.left, _here.kills = random_.randint(1, 10), random_.random() < 0.05
        try:
            xpsnet.write(data, path, spectra=spectra, overwrite=True)
        except Exception:
            _here.left = 0
            after = contents(path) if path.exists() else None
            assert after == before, f"{path} is not what it was before a write that failed"
            raise
        _here.left = 0
        self.found["path"] = str(path)
        check_whole(path)

    def full_disk(self, random_: random.Random) -> None:
        """Let no file of this process grow for a while: all its threads meet a full disk."""
        with _disk, limited(random_.choice(LIMITS)):
            time.sleep(random_.uniform(0.2, 1.5))

    def same(self, key: str, peaks: Any) -> None:
        self.found["same"] = key, digest(peaks)


def _is_refusal(kind: str, error: Exception) -> bool:
    """Whether an exception is one that the documentation names, in words of ours."""
    if not isinstance(error, REFUSALS.get(kind, ())) or isinstance(error.__cause__, MemoryError):
        return False
    said = str(error)
    return (
        said.startswith("expected to write") if isinstance(error, OSError) else "expected" in said
    )


def check_whole(path: Path) -> None:
    """Read a file completely; VAMAS, which counts its blocks, and JSON hold no digest."""
    (found,) = (xpsnet.read_fit if "-peaks-" in path.name else xpsnet.read)(path)
    seen = digest(found)
    assert path.suffix in WITHOUT_DIGEST or found.attrs["digest"] == seen, (
        f"{path} is not what was written"
    )


def leftovers(folder: Path, processes: list[int]) -> list[str]:
    """Hidden files of processes that have ended."""
    found = [(name, atomic_write._PART.fullmatch(name)) for name in os.listdir(folder)]
    return [name for name, part in found if part and int(part["process"]) in processes]


def check_folder(settings: dict[str, Any]) -> None:
    """See what processes that were killed have left."""
    folder = Path(settings["folder"])
    first = spectrum(0).assign_attrs(digest=digest(spectrum(0)))
    xpsnet.write(first, folder / f"{settings['slot']}-spectra-first.csv", overwrite=True)
    for name in leftovers(folder, settings["ended"]):
        tell("defect", f"{name} is left after the next write")
    for path in map(Path, settings["written"]):
        try:
            check_whole(path)
        except Exception as error:  # whatever is wrong with one file, the others are read too
            story = "".join(traceback.format_exception(error, limit=-4))
            tell("defect", f"{path} is not whole: {story}")
    tell("ready", len(settings["written"]))


def main() -> int:
    """Work until the parent closes the standard input."""
    settings = json.loads(sys.argv[1])
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    warnings.simplefilter("ignore")
    check_folder(settings)
    break_calls(settings["kill"])
    stop = threading.Event()

    def work(number: int) -> None:
        thread, case = Thread(settings, number), settings["next"][number]
        while True:
            thread.try_case(case)
            case += settings["step"]
            if stop.is_set():
                return

    threads = [
        threading.Thread(target=work, args=(number,)) for number in range(len(settings["next"]))
    ]
    for one in threads:
        one.start()
    sys.stdin.read()
    stop.set()
    for one in threads:
        one.join()
    for name in leftovers(Path(settings["folder"]), [os.getpid()]):
        tell("defect", f"{name} is left by a process that ended by itself")
    return 0


if __name__ == "__main__":
    sys.exit(main())
