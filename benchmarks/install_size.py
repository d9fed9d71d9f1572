"""What does the plugin add to an environment that has napari?

Question: how many megabytes does ``pip install napari-xpsnet`` bring beside those of napari itself?
Baseline: all distributions that ``napari[pyside6]`` requires. Nothing is downloaded: what the
requirements name is looked up in the running environment, which must have ``napari-xpsnet[all]``,
and measured by its RECORD (for the compiled files of Python, the bytes on the disk).

    python benchmarks/install_size.py
    python benchmarks/install_size.py --extra train
    python benchmarks/install_size.py --extra all
"""

import argparse
import re
import tomllib
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
NAME = "napari-xpsnet"
LEAST = 1e6
"""Size of a package that gets a row of its own [bytes]."""


@dataclass
class Closure:
    """Installed distributions that requirements bring, and names of those that are missing."""

    found: dict[str, metadata.Distribution] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)


def canonical(name: str) -> str:
    """Name of a distribution as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(requirements: list[str]) -> Closure:
    """Follow requirements and the extras that they name through the installed metadata."""
    result, done = Closure(), set()
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        name = canonical(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            alternative = f"{name}-cpu"  # tensorflow-cpu is another build of tensorflow
            try:
                distribution = metadata.distribution(alternative)
            except metadata.PackageNotFoundError:
                result.missing.add(name)
                continue
        result.found[canonical(distribution.name)] = distribution
        for wanted in ("", *requirement.extras):
            if (name, wanted) not in done:
                done.add((name, wanted))
                waiting += [(Requirement(text), wanted) for text in distribution.requires or []]
    return result


def size(distribution: metadata.Distribution) -> int:
    """Bytes of the files of a distribution.

    RECORD states a size for what the wheel holds, none for the files that Python has compiled.
    """
    total = 0
    for file in distribution.files or []:
        if file.size is not None:
            total += file.size
        elif (path := Path(str(file.locate()))).is_file():
            total += path.stat().st_size
    return total


def wheel_size() -> int:
    """Bytes of the two packages of this repository, as the wheel holds them."""
    folders = (ROOT / "src" / "xpsnet", ROOT / "napari_xpsnet")
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files if "__pycache__" not in file.parts)


def added(extras: list[str]) -> tuple[dict[str, int], set[str]]:
    """Bytes of every distribution on top of napari, largest first; and names of missing ones."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    ours, base = closure(wanted), closure(["napari[pyside6]"])
    sizes = {NAME: wheel_size()}
    sizes |= {name: size(one) for name, one in ours.found.items() if name not in base.found}
    ordered = dict(sorted(sizes.items(), key=lambda entry: -entry[1]))
    return ordered, ours.missing | base.missing


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--extra", action="append", default=[], help="with this extra, too")
    chosen = parser.parse_args(arguments)
    sizes, missing = added(chosen.extra)
    print(f"{NAME}{[*chosen.extra] if chosen.extra else ''} on top of napari\n")
    print("| distribution | version | MB |\n| --- | --- | ---: |")
    small = {name: one for name, one in sizes.items() if one < LEAST and name != NAME}
    for name, one in sizes.items():
        if name not in small:
            version = "this one" if name == NAME else metadata.version(name)
            print(f"| {name} | {version} | {one / 1e6:.1f} |")
    print(f"| {len(small)} smaller ones | | {sum(small.values()) / 1e6:.1f} |")
    print(f"| **together** | | **{sum(sizes.values()) / 1e6:.0f}** |")
    if missing:
        print(f"\nNot installed here, and so not measured: {', '.join(sorted(missing))}.")


if __name__ == "__main__":
    main()
