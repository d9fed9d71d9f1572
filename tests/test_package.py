"""The distribution: manifest, entry points, one version, licenses."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from npe2 import PluginManifest
from packaging.requirements import Requirement
from packaging.version import Version

import xpsnet

ROOT = Path(__file__).parents[1]
NAME = "napari-xpsnet"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, HATCH = SETTINGS["project"], SETTINGS["tool"]["hatch"]

# Packages that are under the GPL alone, whatever their metadata say.
GPL = re.compile(r"\bA?GPL|GNU (Affero )?General")
GPL_ONLY = {"pyqt5", "pyqt6", "xarray-lmfit", "erlab", "yadg", "rosettasciio"}


def test_manifest_in_the_package_is_the_one_at_the_top() -> None:
    link = ROOT / "napari_xpsnet" / "napari.yaml"
    assert link.is_symlink()
    assert link.resolve() == ROOT / "napari.yaml"


def test_napari_finds_the_manifest() -> None:
    manifest = PluginManifest.from_distribution(NAME)
    assert manifest.name == NAME == PROJECT["name"]
    assert manifest.package_version == xpsnet.__version__


def test_every_command_of_the_manifest_can_be_imported_without_tensorflow() -> None:
    commands = PluginManifest.from_file(ROOT / "napari.yaml").contributions.commands
    code = f"""
import importlib, sys
for target in {[command.python_name for command in commands]}:
    module, name = target.split(":")
    assert callable(getattr(importlib.import_module(module), name)), target
print(*sys.modules)
"""
    # In a process of its own, because Qt is loaded there.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not {"tensorflow", "keras"} & set(done.stdout.split())


def test_command_line_entry_point() -> None:
    (entry,) = metadata.entry_points(group="console_scripts", name="xpsnet")
    assert callable(entry.load())


def test_one_version_everywhere() -> None:
    """The version comes from the tag; what people wrote by hand names the same release."""
    assert "version" in PROJECT["dynamic"]
    assert xpsnet.__version__ == metadata.version(NAME)
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "docs" / "changelog.md").read_text(encoding="utf-8")
    written = {
        "CITATION.cff": re.search(r"^version: (.+)$", citation, re.MULTILINE)[1],
        "changelog": re.search(r"^## (\S+)", changelog, re.MULTILINE)[1],
    }
    assert len(set(written.values())) == 1, written
    release, installed = Version(written["changelog"]), Version(xpsnet.__version__)
    if installed.is_devrelease:  # between two tags, on the way to the release at the top
        assert Version(installed.base_version) <= release
    else:
        assert Version(installed.base_version) == release


def test_version_before_the_first_tag_is_that_of_the_next_release() -> None:
    fallback = Version(HATCH["version"]["fallback-version"])
    assert fallback.is_devrelease
    assert re.fullmatch(HATCH["version"]["raw-options"]["tag_regex"], "v0.2.0rc1")["version"]


def test_no_viewer_and_no_qt_binding_is_required() -> None:
    required = {_canonical(Requirement(text).name) for text in PROJECT["dependencies"]}
    assert not required & {"napari", "pyside6", "pyside2", "pyqt5", "pyqt6"}


def test_what_trains_comes_with_extras_only() -> None:
    extras = PROJECT["optional-dependencies"]

    def names(requirements: list[str]) -> set[str]:
        return {_canonical(Requirement(text).name) for text in requirements}

    trains = {"keras", "onnx", "tensorflow"}
    assert not names(PROJECT["dependencies"]) & trains
    assert names(extras["train"]) == trains
    assert names(extras["all"]) >= trains
    assert names(extras["gpu"]) == {"keras", "tensorflow"}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _closure(requirements: list[str]) -> dict[str, metadata.PackageMetadata]:
    """Metadata of installed packages that the requirements pull in, directly or not."""
    found: dict[str, metadata.PackageMetadata] = {}
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        name = _canonical(requirement.name)
        if name in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # another build of the same package (tensorflow-cpu) or an optional one
        found[name] = distribution.metadata
        waiting += [Requirement(text) for text in distribution.requires or []]
    return found


def _licenses(about: metadata.PackageMetadata) -> list[str]:
    """Alternatives that a package offers; a whole license text counts by its beginning."""
    text = about.get("License-Expression") or (about.get("License") or "")[:100]
    classifiers = [c for c in about.get_all("Classifier") or [] if c.startswith("License")]
    return [found for found in [*re.split(r"\s+OR\s+", text), *classifiers] if found]


@pytest.mark.parametrize(
    "extra",
    ["", "all", "excel", "gpu", "igor", "train", "zarr"],
    ids=lambda extra: extra or "plain",
)
def test_nothing_under_the_gpl_is_pulled_in(extra: str) -> None:
    requirements = PROJECT["dependencies"]
    if extra:
        requirements = PROJECT["optional-dependencies"][extra]
    packages = _closure(requirements)
    assert packages
    gpl = {
        name
        for name, about in packages.items()
        if (offers := _licenses(about)) and all(GPL.search(offer) for offer in offers)
    }
    assert not gpl
    assert not set(packages) & GPL_ONLY
