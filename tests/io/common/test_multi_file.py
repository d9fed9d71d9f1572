"""Files that are stacked: each is compared with those alike only."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from xpsnet.io.common.multi_file import Draft, stack_files


def drafts(names: list[str | None], starts: list[float]) -> list[Draft]:
    """Spectra of files, each of ten points."""
    found = []
    for i, (name, start) in enumerate(zip(names, starts, strict=True)):
        energy = start + np.arange(10.0)
        spectrum = xr.DataArray(np.ones(10), {"energy": energy}, ("energy",), name=name)
        found.append(Draft(Path(f"{i}.txt"), spectrum, False))
    return found


@pytest.mark.parametrize(
    ("names", "starts", "sizes"),
    [
        (["a", "b", "a", "b"], [0.0, 0.0, 50.0, 1.0], [2, 2]),
        ([None, None, None, None], [0.0, 100.0, 4.0, 106.0], [2, 1, 1]),
        ([None, "a", None], [0.0, 0.0, 0.0], [2, 1]),
    ],
    ids=["names", "energies", "both"],
)
def test_scans_of_a_region_are_stacked(
    names: list[str | None], starts: list[float], sizes: list[int]
) -> None:
    found = stack_files(drafts(names, starts))
    assert [one.spectrum.sizes.get("scan", 1) for one in found] == sizes


@pytest.mark.parametrize("named", [True, False])
def test_the_work_grows_with_the_number_of_files(
    n_calls: Callable[[Callable[[], object]], int], named: bool
) -> None:
    def work(n: int) -> int:
        names = [f"r{i}" if named else None for i in range(n)]
        made = drafts(names, [20.0 * i for i in range(n)])
        return n_calls(lambda: stack_files(made))

    few, more, many = work(50), work(100), work(200)
    # Without names every file is compared with every other, but by its two ends only.
    assert many - more < (2.5 if named else 4.5) * (more - few)
    assert many < 200 * 250 * (1 if named else 10)
