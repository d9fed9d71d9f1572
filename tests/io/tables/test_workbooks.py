"""Workbooks of people: numbers as text, formulas without values, several tables, cut files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read

BINDING = np.round(np.arange(292.0, 286.0, -0.1), 2)
COUNTS = np.random.default_rng(0).poisson(1200 + 9000 * np.exp(-(((BINDING - 289) / 0.8) ** 2)))


def book(path: Path, *columns: Any, head: tuple[str, ...] = ("BE", "Counts")) -> Path:
    """A workbook of one sheet."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "C1s"
    sheet.append(head)
    for row in zip(*columns, strict=True):
        sheet.append(row)
    workbook.save(path)
    return path


@pytest.mark.parametrize(
    "cell",
    [float, str, lambda v: str(v).replace(".", ","), lambda v: f"{v:,}"],
    ids=["numbers", "text", "decimal commas", "thousands"],
)
def test_numbers_may_be_texts(tmp_path: Path, cell: Callable[[Any], Any]) -> None:
    columns = [cell(v) for v in BINDING.tolist()], [cell(v) for v in COUNTS.tolist()]
    (spectrum,) = read(book(tmp_path / "a.xlsx", *columns))
    np.testing.assert_array_equal(spectrum.energy, BINDING)
    np.testing.assert_array_equal(spectrum, COUNTS)
    assert spectrum.name == "C 1s"


def test_formulas_without_values_are_named(tmp_path: Path) -> None:
    formulas = [f"=292-0.1*{i}" for i in range(BINDING.size)]
    with pytest.raises(ReadError, match="60 cells hold formulas without a value; open it in Excel"):
        read(book(tmp_path / "a.xlsx", formulas, COUNTS.tolist()))
    more = [f"=B{i + 2}/MAX(B:B)" for i in range(BINDING.size)]
    path = book(tmp_path / "b.xlsx", BINDING.tolist(), COUNTS.tolist(), more,
                head=("BE", "Counts", "normalized"))  # fmt: skip
    with pytest.warns(UserWarning, match="sheet 'C1s': 60 cells hold formulas without a value"):
        (spectrum,) = read(path)
    np.testing.assert_array_equal(spectrum, COUNTS)


def test_curves_of_a_fit_beside_the_counts_are_left_out(tmp_path: Path) -> None:
    flat = [1200.0] * BINDING.size
    path = book(tmp_path / "a.xlsx", BINDING.tolist(), COUNTS.tolist(), flat, flat, flat,
                head=("BE", "Counts", "Background", "C-C", "Envelope"))  # fmt: skip
    (spectrum,) = read(path)
    np.testing.assert_array_equal(spectrum, COUNTS)


def test_columns_of_a_workbook_can_be_stated(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", BINDING.tolist(), COUNTS.tolist(), head=("Time (s)", "y"))
    with pytest.raises(ReadError, match=r"got the column .Time .s.. .time."):
        read(path)
    (spectrum,) = read(path, columns={"axis": "time (s)"}, scale="binding")
    np.testing.assert_array_equal(spectrum.energy, BINDING)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_workbook_that_is_cut_off_says_so(tmp_path: Path, share: float) -> None:
    path = book(tmp_path / "a.xlsx", BINDING.tolist(), COUNTS.tolist())
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ReadError, match=r"a workbook .\.xlsx. whose end is missing.*; copy or do"):
        read(path)
