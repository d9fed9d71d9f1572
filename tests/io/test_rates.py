"""Counts per second of what readers hand over: dwell time x scans, also where they differ."""

import numpy as np
import pytest
from kratos_writer import COUNTS as KRATOS_COUNTS
from kratos_writer import dump, spectrum_object
from omicron_writer import COUNTS, ENERGY, REGION, TITLE, layer, scan, table, values
from phi_writer import File, Region, rate
from vamas_writer import Block, counts, vamas

import xpsnet
from xpsnet.data.spectrum import make_spectrum
from xpsnet.io.read import read


def test_vamas_blocks_of_different_times(save) -> None:
    blocks = [
        Block(counts(seed=i), dwell_time=0.1 * (i + 1), n_scans=i + 2, variables=(10.0 * i,))
        for i in range(3)
    ]
    (stack,) = read(save(vamas(blocks, mode="SDP", variables=[("Etch Time", "s")])))
    assert stack.dwell_time.dims == stack.n_scans.dims == ("etch_time",)
    rates = xpsnet.to_counts_per_second(stack)
    assert rates.dims == stack.dims
    assert rates.attrs["units"] == "counts/s"
    for i in range(3):
        expected = np.array(counts(seed=i)) / (0.1 * (i + 1) * (i + 2))
        np.testing.assert_allclose(rates[i], expected, rtol=1e-12)
    # In counts/s already: once more changes nothing.
    np.testing.assert_array_equal(xpsnet.to_counts_per_second(rates), rates)


def test_vamas_rates_stay(save) -> None:
    values_ = (np.array(counts()) / 3).tolist()
    block = Block(values_, label=("counts per second", "c/s"), dwell_time=0.3, n_scans=4)
    (spectrum,) = read(save(vamas([block])))
    assert spectrum.attrs["units"] == "counts/s"
    np.testing.assert_array_equal(xpsnet.to_counts_per_second(spectrum), values_)


@pytest.mark.parametrize("n_sweeps", [None, 8])
def test_phi_files_hold_rates(save, n_sweeps: int | None) -> None:
    file = File([Region("C1s", rate(n_levels=3), n_sweeps=n_sweeps, axes=("pnt", "cyc"))])
    file.times = np.array([[0.0, 30.0, 60.0]])
    (stack,) = read(save(file.data()))
    np.testing.assert_allclose(xpsnet.to_counts_per_second(stack), rate(n_levels=3), rtol=1e-12)


def test_eis_kratos_and_edc(save) -> None:
    eis = REGION + values(1, sweeps=9, acquired=4) + layer() + table()
    (spectrum,) = read(save(eis), scale="binding")
    np.testing.assert_allclose(xpsnet.to_counts_per_second(spectrum), COUNTS / 0.8)
    (spectrum,) = read(save(dump(spectrum_object())))
    np.testing.assert_allclose(xpsnet.to_counts_per_second(spectrum), KRATOS_COUNTS / 0.75)
    (spectrum,) = read(save(TITLE + scan(1)))
    np.testing.assert_array_equal(xpsnet.to_counts_per_second(spectrum), COUNTS)


def test_eis_regions_of_different_sweeps_are_a_stack(save) -> None:
    eis = "".join(
        REGION + values(n, acquired=n) + layer() + table(n * COUNTS, ENERGY) for n in (1, 2, 3)
    )
    (stack,) = read(save(eis), scale="binding")
    assert stack.dims == ("scan", "energy")
    np.testing.assert_array_equal(stack.n_scans, [1, 2, 3])
    np.testing.assert_allclose(xpsnet.to_counts_per_second(stack), [COUNTS / 0.2] * 3)


def test_files_of_different_times_are_a_stack(tmp_path) -> None:
    for i in range(3):
        (tmp_path / f"{i}.spe").write_bytes(
            File([Region("C1s", rate(seed=i), seconds=0.4 * (i + 1))]).data()
        )
    (stack,) = read(tmp_path)
    np.testing.assert_allclose(stack.dwell_time, [0.4, 0.8, 1.2])
    expected = [rate(seed=i) for i in range(3)]
    np.testing.assert_allclose(xpsnet.to_counts_per_second(stack), expected, rtol=1e-12)


def test_a_time_per_point_and_missing_times() -> None:
    energy = np.arange(5.0)
    stack = make_spectrum(np.ones((2, 5)), energy, scale="binding", n_scans=2)
    stack = stack.assign_coords(dwell_time=("energy", [1.0, 2.0, 4.0, 5.0, 10.0]))
    expected = [[0.5, 0.25, 0.125, 0.1, 0.05]] * 2
    np.testing.assert_allclose(xpsnet.to_counts_per_second(stack), expected)
    stack = stack.assign_coords(dwell_time=("position", [1.0, np.nan]))
    with pytest.raises(ValueError, match="expected dwell_time > 0"):
        xpsnet.to_counts_per_second(stack)
    lazy = stack.assign_coords(dwell_time=("position", [1.0, 2.0])).chunk(position=1)
    rates = xpsnet.to_counts_per_second(lazy)
    assert hasattr(rates.data, "dask")
    np.testing.assert_allclose(rates[1], 0.25)
