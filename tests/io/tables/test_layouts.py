"""Tables whose spectra do not stand in columns: one row per point, one row per spectrum, pivots."""

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from xpsnet.io.read import read

BINDING = np.round(np.arange(292.0, 286.0, -0.1), 2)
TIMES = [0, 60, 120, 180]
Save = Callable[..., Any]


def counts(*seed: int) -> np.ndarray:
    """Counts of one spectrum."""
    mean = 50 + 900 * np.exp(-(((BINDING - 289) / 0.8) ** 2))
    return np.random.default_rng(seed).poisson(mean)


def quietly(path: Any, **stated: Any) -> list[xr.DataArray]:
    """Spectra of a file, whatever it assumes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read(path, **stated)


def tidy(**more: Any) -> pd.DataFrame:
    """One row per point, over the etch time."""
    frames = [
        pd.DataFrame({"etch_time_s": t, "BE_eV": BINDING, "counts": counts(t), **more})
        for t in TIMES
    ]
    return pd.concat(frames, ignore_index=True)


ORDERS = {
    "as measured": lambda table: table,
    "energies first": lambda table: table[["BE_eV", "counts", "etch_time_s"]],
    "by energy": lambda table: table.sort_values(["BE_eV", "etch_time_s"], ascending=False),
    "in no order": lambda table: table.sample(frac=1, random_state=0),
    "with the index of pandas": lambda table: table.reset_index(),
    "with words": lambda table: table.assign(sample="A"),
    "with a constant": lambda table: table.assign(temperature_K=300),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_one_row_per_point_is_a_stack_over_the_coordinates(
    save: Save, order: str, separator: str
) -> None:
    table = ORDERS[order](tidy())
    (stack,) = read(save(table.to_csv(index=False, sep=separator), "a.csv"))
    assert stack.dims == ("etch_time", "energy")
    assert stack.etch_time.attrs["units"] == "s"
    stack = stack.sortby("etch_time")
    assert stack.etch_time.values.tolist() == TIMES
    for t in TIMES:
        one = stack.sel(etch_time=t).sortby("energy", ascending=False)
        np.testing.assert_array_equal(one.energy, BINDING)
        np.testing.assert_array_equal(one, counts(t))
    assert stack.coords.get("sample", "A") == "A"
    assert stack.attrs["scale"] == "binding"


def test_positions_are_a_map(save: Save) -> None:
    places = list(itertools.product(range(3), range(2)))
    frames = [
        pd.DataFrame({"x": x, "y": y, "Binding Energy (eV)": BINDING, "I": counts(x, y)})
        for x, y in places
    ]
    (stack,) = read(save(pd.concat(frames).to_csv(index=False), "a.csv"))
    assert stack.sizes == {"y": 2, "x": 3, "energy": BINDING.size}
    for x, y in places:
        np.testing.assert_array_equal(stack.sel(x=x, y=y), counts(x, y))


def test_words_are_coordinates_and_regions_are_names(save: Save) -> None:
    samples = [pd.DataFrame({"sample": s, "KE": BINDING, "cps": counts(i)})
               for i, s in enumerate(["1:1 Cu:Ru", "2:1 Cu:Ru"])]  # fmt: skip
    (stack,) = read(save(pd.concat(samples).to_csv(index=False), "a.csv"))
    assert stack.sample.values.tolist() == ["1:1 Cu:Ru", "2:1 Cu:Ru"]
    np.testing.assert_array_equal(stack[1], counts(1))
    regions = [pd.DataFrame({"region": r, "BE": BINDING + 246 * i, "counts": counts(i)})
               for i, r in enumerate(["C1s", "O1s"])]  # fmt: skip
    carbon, oxygen = read(save(pd.concat(regions).to_csv(index=False), "a.csv"))
    assert (carbon.name, oxygen.name) == ("C 1s", "O 1s")
    np.testing.assert_array_equal(oxygen.energy, BINDING + 246)
    np.testing.assert_array_equal(oxygen, counts(1))


def test_a_missing_point_keeps_the_stack_whole(save: Save) -> None:
    table = tidy().drop(index=[70])
    (stack,) = read(save(table.to_csv(index=False), "a.csv"))
    assert stack.shape == (4, BINDING.size)
    assert np.isnan(stack.values).sum() == 1
    assert np.isnan(stack.values[1, 10])


def test_scans_of_the_same_coordinates_are_told_apart(save: Save) -> None:
    table = pd.concat([tidy(), tidy()])
    (stack,) = read(save(table.to_csv(index=False), "a.csv"))
    assert stack.sizes == {"etch_time": 4, "scan": 2, "energy": BINDING.size}
    np.testing.assert_array_equal(stack.sel(scan=0), stack.sel(scan=1))


def test_coordinates_without_labels_are_known_by_their_numbers(save: Save) -> None:
    lines = [f"{t} {e} {c}" for t in TIMES for e, c in zip(BINDING, counts(t), strict=True)]
    (stack,) = quietly(save("\n".join(lines), "a.txt"))
    assert stack.sizes == {"column_1": 4, "energy": BINDING.size}
    assert stack.column_1.values.tolist() == TIMES
    np.testing.assert_array_equal(stack[2], counts(120))


HEADS = {
    "no names": ("\t", "\t\t", ("y", "x")),
    "names": ("\t", "X\tY\t", ("y", "x")),
    "map": (",", "map_x,map_y,", ("y", "x")),
    "semicolons": (";", "x [mm];y [mm];", ("y", "x")),
}


@pytest.mark.parametrize("head", HEADS)
def test_energies_in_the_header_are_a_map(save: Save, head: str) -> None:
    separator, lead, dims = HEADS[head]
    lines = [lead + separator.join(map(str, BINDING))]
    for y, x in itertools.product(range(4), range(3)):
        lines.append(separator.join(map(str, [x, y, *counts(x, y)])))
    (stack,) = quietly(save("\n".join(lines), "a.txt"))
    assert stack.dims == (*dims, "energy")
    np.testing.assert_array_equal(stack.energy, BINDING)
    for y, x in itertools.product(range(4), range(3)):
        np.testing.assert_array_equal(stack.sel(x=x, y=y), counts(x, y))


@pytest.mark.parametrize(
    ("lead", "places", "dim"),
    [
        ("time (s)", [0, 30, 60, 90, 120], "time"),
        ("index", [0, 1, 2, 3, 4], "index"),
        ("sample", ["A", "B", "C"], "sample"),
        ("", [0, 1, 2, 3, 4, 5], "position"),
    ],
)
def test_one_row_per_spectrum(save: Save, lead: str, places: list[Any], dim: str) -> None:
    lines = [",".join([lead, *map(str, BINDING)])]
    lines += [",".join(map(str, [place, *counts(i)])) for i, place in enumerate(places)]
    (stack,) = quietly(save("\n".join(lines), "a.csv"))
    assert stack.dims == (dim, "energy")
    assert stack[dim].values.tolist() == places
    np.testing.assert_array_equal(stack[2], counts(2))
    np.testing.assert_array_equal(stack.energy, BINDING)


@pytest.mark.parametrize("labels", [("BE,", "counts,"), ("", "")])
def test_a_row_of_energies_and_a_row_of_counts(save: Save, labels: tuple[str, str]) -> None:
    rows = [label + ",".join(map(str, row)) for label, row in zip(labels, (BINDING, counts()),
                                                                  strict=True)]  # fmt: skip
    (spectrum,) = quietly(save("\n".join(rows), "a.csv"))
    assert spectrum.dims == ("energy",)
    np.testing.assert_array_equal(spectrum, counts())


def pivot() -> pd.DataFrame:
    """Energies in the first column, etch times in the header."""
    return tidy().pivot(index="BE_eV", columns="etch_time_s", values="counts")


@pytest.mark.parametrize("extension", ["csv", "xlsx"])
def test_a_pivoted_table_has_numbers_as_its_coordinate(tmp_path: Any, extension: str) -> None:
    path = tmp_path / f"a.{extension}"
    getattr(pivot(), "to_csv" if extension == "csv" else "to_excel")(path)
    (stack,) = read(path)
    assert stack.dims == ("column", "energy")
    assert stack.column.values.tolist() == TIMES
    np.testing.assert_array_equal(stack.sel(column=60)[::-1], counts(60))


def test_a_bare_matrix_has_a_corner_without_meaning(tmp_path: Any) -> None:
    table = pivot()
    for corner in (0.0, np.nan):
        matrix = np.vstack([np.r_[corner, table.columns], np.c_[table.index, table.values]])
        np.savetxt(tmp_path / "a.csv", matrix, delimiter=",")
        (stack,) = quietly(tmp_path / "a.csv")
        assert stack.column.values.tolist() == TIMES
        np.testing.assert_array_equal(stack.sel(column=60)[::-1], counts(60))


@pytest.mark.parametrize(
    ("labels", "dim", "units"),
    [
        (["0 s", "60 s", "120 s"], "time", "s"),
        (["300 K", "400 K", "500 K"], "temperature", "K"),
        (["etch time 0 s", "etch time 60 s"], "etch_time", "s"),
        (["angle=0", "angle=30", "angle=60"], "angle", None),
        (["0 nm", "5 nm"], "column", "nm"),
        (["s1", "s2"], "column", None),
    ],
)
def test_numbers_with_a_unit_in_labels_are_a_coordinate(
    save: Save, labels: list[str], dim: str, units: str | None
) -> None:
    columns = [BINDING, *(counts(i) for i in range(len(labels)))]
    lines = ["\t".join(["BE", *labels])]
    lines += ["\t".join(map(str, row)) for row in zip(*columns, strict=True)]
    (stack,) = read(save("\n".join(lines), "a.txt"))
    assert stack.dims == (dim, "energy")
    assert stack[dim].attrs.get("units") == units
    np.testing.assert_array_equal(stack[1], counts(1))
