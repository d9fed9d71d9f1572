"""Energies that stand twice or out of order, in every reader that may meet them."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from xpsnet.io.common.energy_axis import MAX_REPEATED, axis_problem, has_repeats, ordered_rows
from xpsnet.io.common.repeats import merge_repeats
from xpsnet.io.read import read

JOINED = np.sort(np.round(np.r_[np.arange(980, 1000, 1.0), np.arange(985, 995, 0.1)], 2))


def spectrum() -> xr.DataArray:
    """Two step widths joined, with curves over the energies and over the scans."""
    rng = np.random.default_rng(0)
    coords = {
        "energy": ("energy", JOINED, {"units": "eV"}),
        "scan": [1, 2],
        "transmission": ("energy", 2 * JOINED),
        "remark": "none",
    }
    values = rng.poisson(100, (2, JOINED.size))
    return xr.DataArray(values, coords, ("scan", "energy"), "C 1s", {"units": "counts"})


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("dims", [("scan", "energy"), ("energy", "scan")])
def test_points_of_the_same_energy_get_their_mean(dims: tuple[str, ...], lazy: bool) -> None:
    given = spectrum().transpose(*dims)
    notes: list[str] = []
    merged = merge_repeats(given.chunk(energy=7) if lazy else given, notes)
    assert merged.dims == dims
    assert (merged.chunks is not None) == lazy
    distinct = np.unique(JOINED)
    np.testing.assert_array_equal(merged.energy, distinct)
    for energy in distinct:
        expected = given.isel(energy=np.flatnonzero(energy == JOINED)).mean("energy")
        np.testing.assert_allclose(merged.sel(energy=energy), expected)
    np.testing.assert_allclose(merged.transmission, 2 * distinct)
    assert (merged.name, merged.attrs, merged.remark.item()) == ("C 1s", given.attrs, "none")
    assert merged.energy.attrs == {"units": "eV"}
    assert notes == [
        "10 energies stand more than once, such as 985 eV: each gets the mean of its points"
    ]


def test_a_missing_point_does_not_count() -> None:
    values = np.ones(JOINED.size)
    values[np.flatnonzero(np.diff(JOINED) == 0)[0]] = np.nan
    merged = merge_repeats(xr.DataArray(values, {"energy": JOINED}, ("energy",)), [])
    assert (merged == 1).all()


def test_a_spectrum_without_repeats_is_left_as_it_is() -> None:
    one = xr.DataArray(np.ones(9), {"energy": np.arange(9.0)}, ("energy",))
    notes: list[str] = []
    assert merge_repeats(one, notes) is one
    assert not notes


@pytest.mark.parametrize(
    ("energy", "expected"),
    [
        ([1, 2, 3, 4, 5, 5, 6], True),
        ([6, 5, 5, 4, 3, 2, 1], True),
        ([1, 2, 3, 4, 5, 6], False),
        ([1, 2, 3, 5, 4, 6], False),
        ([1, 1, 2, 2, 3, 3, 4, 4, 5, 5], True),
        ([1, 1, 2, 2, 3, 3], False),
        ([1, 1, 1, 2, 2, 2, 3, 3, 3], False),
        ([1, 1, 2, np.nan, 3, 4], False),
        ([1, 2, 2], False),
    ],
)
def test_a_few_repeats_are_no_fault_of_an_axis(energy: list[float], expected: bool) -> None:
    axis = np.array(energy, dtype=float)
    assert has_repeats(axis) == expected
    if expected:
        assert axis_problem(axis) == ""
        assert np.sum(np.diff(axis) == 0) <= MAX_REPEATED * axis.size


def test_readers_merge_in_one_place(tmp_path: Path) -> None:
    one = spectrum()[0]
    lines = [f"{e}\t{c}" for e, c in zip(JOINED, one.values, strict=True)]
    (tmp_path / "a.txt").write_text("BE\tcounts\n" + "\n".join(lines))
    waves = ["IGOR", "WAVES/D\tBE_energy\tC1s", "BEGIN", *lines, "END"]
    (tmp_path / "a.itx").write_text("\r".join(waves) + "\r")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["binding_energy"], file["counts"] = JOINED, one.values
    for name in ("a.txt", "a.itx", "a.h5"):
        with pytest.warns(UserWarning, match=f"{name}.*: 10 energies stand more than once"):
            (merged,) = read(tmp_path / name, scale="binding")
        np.testing.assert_array_equal(merged.energy, np.unique(JOINED))


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize(("second", "n_twice"), [((986.61, 995, 0.1), 11), ((986.66, 995, 0.1), 0)])
def test_scans_that_overlap_are_one_spectrum(
    tmp_path: Path, direction: int, second: tuple[float, float, float], n_twice: int
) -> None:
    scans = np.arange(977.61, 987.7, 0.1), np.arange(*second)
    energy = np.round(np.concatenate(scans[::direction]), 2)
    if direction < 0:
        energy = np.round(np.concatenate([one[::-1] for one in scans[::-1]]), 2)
    counts = np.arange(energy.size)
    lines = [f"{e}\t{c}" for e, c in zip(energy, counts, strict=True)]
    (tmp_path / "a.txt").write_text("BE\tcounts\n" + "\n".join(lines))
    waves = ["IGOR", "WAVES/D\tBE_energy\tC1s", "BEGIN", *lines, "END"]
    (tmp_path / "a.itx").write_text("\r".join(waves) + "\r")
    distinct = np.unique(energy)[::direction]
    assert energy.size - distinct.size == n_twice
    expected = [counts[energy == one].mean() for one in distinct]
    for name in ("a.txt", "a.itx"):
        with pytest.warns(UserWarning, match=r"overlap|out of order|more than once"):
            (spectrum,) = read(tmp_path / name, scale="binding")
        np.testing.assert_array_equal(spectrum.energy, distinct)
        np.testing.assert_array_equal(spectrum, expected)


@pytest.mark.parametrize("n_bad", [0, 1, 2, 4, 8, 20])
@pytest.mark.parametrize("direction", [1, -1])
def test_points_a_little_out_of_order_are_put_in_order(
    tmp_path: Path, n_bad: int, direction: int
) -> None:
    energy = np.linspace(13, -1, 141)[::direction]
    bad = np.random.default_rng(n_bad).choice(np.arange(1, 139, 3), n_bad, replace=False)
    energy[bad] += 0.151 * direction * -1
    rows = [f"{e:.4f},{i}" for i, e in enumerate(energy)]
    (tmp_path / "a.csv").write_text("Binding energy,Intensity\n" + "\n".join(rows))
    found = ordered_rows(np.round(energy, 4))
    assert found.left_out.size == 0
    order = np.argsort(np.round(energy, 4), kind="stable")[::-direction]
    np.testing.assert_array_equal(found.rows, order)
    if n_bad:
        with pytest.warns(UserWarning, match=rf"{found.n_moved} of 141 points? w.* out of order"):
            (spectrum,) = read(tmp_path / "a.csv")
    else:
        (spectrum,) = read(tmp_path / "a.csv")
    np.testing.assert_array_equal(spectrum, order)
    assert found.n_moved <= n_bad
