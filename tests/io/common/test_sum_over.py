"""`sum_over`: images become spectra, and the attributes tell so."""

import numpy as np
import pytest
import xarray as xr

from xpsnet.io.common.errors import ReadError
from xpsnet.io.common.sum_over import fold
from xpsnet.io.read import read, read_one
from xpsnet.io.write import write

ENERGY = np.linspace(90.0, 95.0, 26)


def image(dim: str, n: int = 4, units: str = "counts", **attrs) -> xr.DataArray:
    counts = np.random.default_rng(1).poisson(100, (n, ENERGY.size)).astype(float)
    attrs = {"scale": "kinetic", "units": units, **attrs}
    return xr.DataArray(
        counts, {dim: np.arange(n), "energy": ENERGY}, (dim, "energy"), "Ag 3d", attrs
    )


def test_an_angle_is_folded_by_the_keyword(tmp_path) -> None:
    data = image("angle", n_scans=3, dwell_time=0.2)
    path = tmp_path / "a.nc"
    write(data, path)
    spectrum = read_one(path, region="Ag 3d", sum_over="angle")
    assert spectrum.dims == ("energy",)
    np.testing.assert_allclose(spectrum, data.sum("angle"), rtol=1e-12)
    # The slices of one exposure share their time: nothing but the note changes.
    assert spectrum.attrs["n_scans"] == 3
    assert spectrum.attrs["dwell_time"] == 0.2
    assert (spectrum.attrs["summed_over"], spectrum.attrs["n_summed"]) == ("angle", 4)


def test_scans_add_up_where_they_are_measured_one_after_another() -> None:
    data = image("scan", n_scans=3)
    (spectrum,) = fold([data], ("scan",), "a")
    np.testing.assert_array_equal(spectrum, data.sum("scan"))
    assert spectrum.attrs["n_scans"] == 12


def test_rates_of_scans_become_the_rate_of_the_summed_counts() -> None:
    data = image("scan", n=2, units="counts/s").assign_coords(n_scans=("scan", [1, 3]))
    (spectrum,) = fold([data], ("scan",), "a")
    np.testing.assert_allclose(spectrum, 0.25 * data[0] + 0.75 * data[1], rtol=1e-12)
    assert spectrum.attrs["n_scans"] == 4
    slices = image("angle", n=2, units="counts/s")
    (total,) = fold([slices], ("angle",), "a")
    np.testing.assert_allclose(total, slices[0] + slices[1], rtol=1e-12)


def test_several_dimensions_and_spectra_without_them() -> None:
    cube = image("angle").expand_dims(etch_time=[0.0, 60.0])
    plain = image("angle")[0].drop_vars("angle")
    folded, same = fold([cube, plain], ("angle", "etch_time"), "a")
    assert folded.dims == same.dims == ("energy",)
    assert folded.attrs["summed_over"] == "angle, etch_time"
    assert folded.attrs["n_summed"] == 8
    assert "summed_over" not in same.attrs


def test_a_missing_point_stays_missing() -> None:
    data = image("scan")
    data[2, 5] = np.nan
    (spectrum,) = fold([data], ("scan",), "a")
    assert np.flatnonzero(np.isnan(spectrum)).tolist() == [5]


@pytest.mark.parametrize("sum_over", ["energy", ""], ids=repr)
def test_what_is_no_dimension_to_fold_is_refused(tmp_path, sum_over) -> None:
    with pytest.raises(ValueError, match="expected names of dimensions other than energy"):
        read(tmp_path, sum_over=sum_over)


def test_a_number_is_no_name_of_a_dimension(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"expected a list or tuple of texts, got sum_over=.*3"):
        read(tmp_path, sum_over=("angle", 3))


def test_a_dimension_that_is_nowhere_is_refused_in_words(tmp_path) -> None:
    path = tmp_path / "a.nc"
    write(image("scan"), path)
    with pytest.raises(ReadError, match="a dimension 'angle' to sum over, got only scan; leave"):
        read(path, sum_over="angle")


def test_large_arrays_stay_lazy() -> None:
    data = image("angle").chunk({"angle": 2})
    (spectrum,) = fold([data], ("angle",), "a")
    assert spectrum.chunks is not None
    np.testing.assert_allclose(spectrum, image("angle").sum("angle"), rtol=1e-12)
