"""Does anything break when everything happens at the same time, for an hour?

Question: does a process crash, an exception come that is no documented refusal, the memory grow, a
file get lost or stay half written, or a thread give other numbers than the others? Each of several
processes runs several threads that read, fit, refine, draw, and write to one folder, as the cases
of `soak_worker.py` say: also damaged files, counts and energies that are no numbers, full disks
(no file of the process may grow), calls of the system that answer "no space left", and processes
that are killed, at random and in the middle of a write. The first process is never killed: its
memory is watched. A killed process is started anew and reads back every file that it has written.

What is equal: all cases follow from the seed and their number. The order in which they meet does
not: it depends on the machine. Each thread replaces files of its own only.

Verdict: the exit code is 1 if there was a defect, which is printed with the seed and the case; the
last lines are the table of docs/robustness.md.

    python benchmarks/soak.py [--minutes 60] [--seed 0] [--processes 2] [--threads 4] [--write]
    python benchmarks/soak.py --seed 0 --case 4711    # one case again, alone
"""

import argparse
import datetime
import json
import os
import platform
import queue
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
WORKER = ROOT / "benchmarks" / "soak_worker.py"
PAGE = ROOT / "docs" / "robustness.md"
# For one case; more is a thread that waits for ever. A machine that gives its processors to other
# work has let 240 s pass for cases of seconds.
MAX_SECONDS = 900.0
MAX_STARTS = 5  # of one slot in a row that end before they are ready
PAUSE = (15.0, 60.0)  # between two kills of a process [s]
FLAT = 100.0  # [MB/hour]
MIN_MINUTES = 10.0  # below, the slope of the memory says nothing
HEADER = "| work | done | refused | defects |\n| --- | --- | --- | --- |"
STAMP = re.compile(r"^Soak of .*$", re.MULTILINE)


@dataclass
class Slot:
    """One of the places for a process, which a new one takes when the last has been killed."""

    number: int
    next: list[int]
    process: Any = None
    ended: list[int] = field(default_factory=list)
    written: set[str] = field(default_factory=set)
    running: dict[int, tuple[int, str, float]] = field(default_factory=dict)
    errors: deque[str] = field(default_factory=lambda: deque(maxlen=200))
    was_killed: bool = False
    is_ready: bool = False
    is_done: bool = False
    n_failed: int = 0
    kill_at: float = float("inf")
    since: float = 0.0


@dataclass
class Soak:
    """What has come of a run so far."""

    seed: int
    n_threads: int
    folder: Path
    slots: list[Slot]
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)
    numbers: dict[str, str] = field(default_factory=dict)
    memory: list[tuple[float, float]] = field(default_factory=list)  # ([s], [MB])
    lines: "queue.Queue[tuple[Slot, Any, str | None]]" = field(default_factory=queue.Queue)
    is_over: bool = False

    def defect(self, kind: str, what: str, case: int | None = None) -> None:
        """Count a defect and print it, with what repeats it."""
        self.counts[kind, "defect"] += 1
        again = "" if case is None else f"\nagain: --seed {self.seed} --case {case}"
        print(f"DEFECT, {kind}: {what}{again}", file=sys.stderr, flush=True)

    def start(self, slot: Slot) -> None:
        """Start a worker in a slot, after the cases that the last one has begun."""
        settings = {
            "seed": self.seed, "slot": slot.number, "next": slot.next, "ended": slot.ended,
            "step": len(self.slots) * self.n_threads, "written": sorted(slot.written),
            "folder": str(self.folder / "written"), "scratch": str(self.folder / "scratch"),
            "kill": slot.number > 0,
        }  # fmt: skip
        slot.process = subprocess.Popen(  # noqa: S603
            [sys.executable, str(WORKER), json.dumps(settings)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="replace", env={**os.environ, "TMPDIR": str(self.folder / "scratch")},
        )  # fmt: skip
        slot.was_killed, slot.is_ready, slot.kill_at = False, False, float("inf")
        slot.running.clear()
        slot.errors.clear()
        slot.since = time.monotonic()
        for pipe in (slot.process.stdout, slot.process.stderr):
            threading.Thread(
                target=self.listen, args=(slot, slot.process, pipe), daemon=True
            ).start()

    def listen(self, slot: Slot, process: Any, pipe: Any) -> None:
        """Hand on what a worker prints; None at its end."""
        for line in pipe:
            if pipe is process.stderr:
                slot.errors.append(line)
            else:
                self.lines.put((slot, process, line))
        if pipe is process.stdout:
            self.lines.put((slot, process, None))

    def take(self, slot: Slot, line: str, random_: random.Random) -> None:
        """Take one line of a worker; the last one of a killed worker may be cut."""
        try:
            what, *words = json.loads(line)
        except ValueError:
            if not slot.was_killed:
                self.defect("protocol", f"a line that no worker prints: {line!r}")
            return
        if what == "ready":
            self.sums["read back after a start"] += words[0]
            slot.is_ready, slot.n_failed = True, 0
            if slot.number:
                slot.kill_at = time.monotonic() + random_.uniform(*PAUSE)
        elif what == "begins":
            thread, case, kind = words
            slot.running[thread] = case, kind, time.monotonic()
            slot.next[thread] = case + len(self.slots) * self.n_threads
        elif what == "kills itself":
            slot.was_killed = True
            self.sums["killed within a write"] += 1
        elif what == "defect":
            self.defect("files", words[0])
        elif what == "ends":
            self.end(slot, *words)

    def end(self, slot: Slot, thread: int, case: int, kind: str, outcome: str, story: str,
            found: dict[str, Any]) -> None:  # fmt: skip
        """Take what came of a case."""
        slot.running.pop(thread, None)
        if outcome == "defect":
            self.defect(kind, story, case)
        else:
            self.counts[kind, outcome] += 1
        self.sums["calls without space"] += found["n_full"]
        if path := found.get("path"):
            slot.written.add(path)
        if same := found.get("same"):
            self.sums["compared"] += same[0] in self.numbers
            if self.numbers.setdefault(*same) != same[1]:
                self.defect("other numbers", f"{same[0]}, thread {slot.number}-{thread}", case)

    def take_end(self, slot: Slot) -> None:
        """See how a worker has ended, and start the next one."""
        code = slot.process.wait()
        slot.ended.append(slot.process.pid)
        is_meant = slot.was_killed and code == -signal.SIGKILL
        if is_meant:
            self.sums["killed"] += 1
        elif code or not self.is_over:
            cases = [(case, kind) for case, kind, _ in slot.running.values()]
            said = "".join(slot.errors)
            self.defect("crash", f"a process ended with {code} in the cases {cases}\n{said}")
        slot.n_failed += not slot.is_ready and not is_meant
        if slot is self.slots[0] and not self.is_over:
            self.memory.clear()  # what follows is that of another process
        if slot.n_failed == MAX_STARTS:
            self.finish()
        if self.is_over:
            slot.is_done = True
        else:
            self.start(slot)

    def look(self, random_: random.Random) -> None:
        """Kill what is to be killed, and what waits for ever."""
        now = time.monotonic()
        for slot in self.slots:
            begun = [since for _, _, since in slot.running.values()]
            if not slot.is_ready:
                begun = [slot.since]
            if slot.process.poll() is not None or slot.was_killed:
                continue
            if now > slot.kill_at:
                self.kill(slot)
            elif begun and now - min(begun) > MAX_SECONDS:
                slot.process.send_signal(signal.SIGUSR1)  # prints what all threads do
                time.sleep(1.0)
                self.defect("hang", f"in {slot.running}\n{''.join(slot.errors)}")
                self.kill(slot)

    def kill(self, slot: Slot) -> None:
        """Kill a worker, wherever it is."""
        slot.was_killed = True
        slot.process.kill()

    def run(self, seconds: float) -> None:
        """Let all slots work, with one line a minute."""
        random_ = random.Random(self.seed)  # noqa: S311
        for slot in self.slots:
            self.start(slot)
        begin: float | None = None
        minute = sampled = 0.0
        while not all(slot.is_done for slot in self.slots):
            try:
                slot, process, line = self.lines.get(timeout=0.2)
            except queue.Empty:
                pass
            else:
                if line is not None:
                    self.take(slot, line, random_)
                elif process is slot.process:
                    self.take_end(slot)
            self.look(random_)
            now = time.monotonic()
            if begin is None and all(slot.is_ready for slot in self.slots):
                begin = minute = now
            if begin is None:
                continue
            if now - sampled > 5.0 and self.slots[0].is_ready:
                sampled = now
                if size := resident(self.slots[0].process.pid):
                    self.memory.append((now - begin, size))
            if now - minute > 60.0:
                minute += 60.0
                print(self.minute((now - begin) / 60), flush=True)
            if now - begin > seconds and not self.is_over:
                self.finish()

    def finish(self) -> None:
        """Let the first process end after its cases, and kill the others."""
        self.is_over = True
        self.slots[0].process.stdin.close()
        for slot in self.slots[1:]:
            if not slot.was_killed and slot.process.poll() is None:
                self.kill(slot)

    def minute(self, minutes: float) -> str:
        """What has been done so far, in one line."""
        parts = [f"{minutes:.0f} min"]
        for outcome in ("done", "refused", "defect"):
            found = {kind: n for (kind, what), n in self.counts.items() if what == outcome}
            listed = ", ".join(f"{kind} {n}" for kind, n in sorted(found.items()))
            parts.append(f"{outcome} {sum(found.values())} ({listed})")
        parts += [f"{what} {n}" for what, n in sorted(self.sums.items())]
        return "; ".join([*parts, f"memory {self.memory[-1][1]:.0f} MB" if self.memory else ""])

    def has_defects(self) -> bool:
        """Whether anything went wrong."""
        return any(what == "defect" for _, what in self.counts)

    def slope(self) -> float:
        """Growth of the memory over the second half [MB/hour]."""
        times, sizes = np.transpose(self.memory[len(self.memory) // 2 :])
        return float(np.polyfit(times / 3600, sizes, 1)[0])

    def check_end(self) -> None:
        """Let one more process read back what all have written, after one more write."""
        last = Slot(len(self.slots), [])
        last.ended = [one for slot in self.slots for one in slot.ended]
        last.written = set().union(*(slot.written for slot in self.slots))
        self.run_out(last)

    def run_out(self, slot: Slot) -> None:
        """Let a process try one case a thread, and end."""
        self.start(slot)
        slot.process.stdin.close()
        while (item := self.lines.get())[2] is not None:
            self.take(slot, item[2], random.Random(0))  # noqa: S311
        if code := slot.process.wait():
            self.defect("crash", f"a process ended with {code}\n{''.join(slot.errors)}")


def resident(process: int) -> float:
    """Memory of a process [MB]; 0 if it has ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / 1e6


def table(soak: Soak) -> str:
    """Lines of the page."""
    kinds = sorted({kind for kind, _ in soak.counts})
    lines = [
        f"| {kind} | " + " | ".join(f"{soak.counts[kind, what]:,}" for what in
                                    ("done", "refused", "defect")) + " |"
        for kind in kinds
    ]  # fmt: skip
    return "\n".join([HEADER, *lines])


def stamp(soak: Soak, minutes: float) -> str:
    """One sentence with all other figures."""
    sums, sizes = soak.sums, [size for _, size in soak.memory]
    half = sizes[len(sizes) // 2 :]
    return (
        f"Soak of {minutes:g} minutes, seed {soak.seed}, {len(soak.slots)} processes of "
        f"{soak.n_threads} threads: {sums['killed']:,} processes killed, "
        f"{sums['killed within a write']:,} of them within a write; "
        f"{sums['calls without space']:,} calls without space; "
        f"{sums['read back after a start']:,} files read back after a kill; "
        f"{sums['compared']:,} results compared with those of another thread or an earlier time; "
        f"memory of the process that was never killed, second half: {min(half):.0f} to "
        f"{max(half):.0f} MB, {soak.slope():+.0f} MB an hour. {datetime.date.today()}, Python "
        f"{platform.python_version()}, numpy {np.__version__}."
    )


def write_page(soak: Soak, minutes: float) -> None:
    """Put table and figures into the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(HEADER)
    if not STAMP.search(rest):
        raise ValueError(f"expected the table with its head and a line in {PAGE}, got none")
    after = rest[STAMP.search(rest).end() :]  # type: ignore[union-attr]
    PAGE.write_text(f"{before}{table(soak)}\n\n{stamp(soak, minutes)}{after}", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Soak, or repeat a case; the exit code tells whether there was a defect."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--case", type=int, help="only this one, alone")
    parser.add_argument("--write", action="store_true", help="put the table into the docs")
    chosen = parser.parse_args(arguments)
    n, threads = chosen.processes, chosen.threads
    slots = [Slot(i, list(range(i * threads, (i + 1) * threads))) for i in range(n)]
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    for name in ("written", "scratch"):
        (folder / name).mkdir()
    soak = Soak(chosen.seed, threads, folder, slots)
    try:
        if chosen.case is not None:
            soak.run_out(Slot(0, [chosen.case]))
            print(table(soak))
            return 1 if soak.has_defects() else 0
        soak.run(60 * chosen.minutes)
        soak.check_end()
        print(f"{table(soak)}\n\n{stamp(soak, chosen.minutes)}")
        if chosen.minutes >= MIN_MINUTES and not soak.slope() < FLAT:
            soak.defect("memory", f"grows by {soak.slope():.0f} MB an hour")
        if chosen.write:
            write_page(soak, chosen.minutes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if soak.has_defects() else 0


if __name__ == "__main__":
    sys.exit(main())
