from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet import cli
from xpsnet.chemistry.calibrate import calibrate
from xpsnet.constants import CARBON_TO_VACUUM
from xpsnet.samples import sample

ENERGY = np.arange(12.0, -6.0, -0.05)


def valence_band(*shifts: float) -> xr.DataArray:
    """Bands below a Fermi edge that lies at these energies."""
    rows = []
    for k, at in enumerate(shifts):
        bands = 1 + 2 * np.exp(-(((ENERGY - at - 4) / 1.5) ** 2))
        counts = 50 + 2000 * bands / (1 + np.exp(-(ENERGY - at) / 0.1))
        rows.append(np.random.default_rng(k).poisson(counts).astype(float))
    array = xr.DataArray(
        np.stack(rows), {"energy": ENERGY}, ["x", "energy"], "VB",
        {"scale": "binding", "photon_energy": 1486.6},
    )  # fmt: skip
    return array if len(shifts) > 1 else array[0]


@pytest.mark.parametrize("shift", [-2.0, 0.0, 1.3])
@pytest.mark.parametrize("scale", ["binding", "kinetic"])
def test_a_fermi_edge_is_the_reference(shift: float, scale: str) -> None:
    edge = valence_band(shift)
    edge = xpsnet.to_kinetic(edge) if scale == "kinetic" else edge
    fixed = calibrate(edge, line="Fermi edge")
    assert fixed.attrs["charge_shift"] == pytest.approx(shift, abs=0.03)
    assert fixed.attrs["charge_reference"] == "Fermi edge 0 eV"
    carbon = calibrate(sample("spectrum"), line="Fermi level", reference=edge)
    assert carbon.attrs["charge_shift"] == pytest.approx(shift, abs=0.03)


def test_a_fermi_edge_per_spectrum() -> None:
    true = [0.0, 0.5, 1.0]
    fixed = calibrate(valence_band(*true), line="fermi edge")
    np.testing.assert_allclose(fixed["charge_shift"], true, atol=0.05)
    off = (fixed["charge_shift"] - true) / fixed["charge_shift_stderr"]
    assert float(abs(off).max()) < 4
    again = calibrate(fixed, line="fermi edge")
    np.testing.assert_allclose(again["charge_shift"], true, atol=0.05)


def test_without_an_edge_it_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a Fermi edge at 0 eV in the spectra"):
        calibrate(sample("spectrum"), line="Fermi edge")
    with pytest.raises(ValueError, match="expected no energy with line='Fermi edge'"):
        calibrate(valence_band(0.0), line="Fermi edge", to=1.0)
    with pytest.raises(ValueError, match="expected no state with line='Fermi edge'"):
        calibrate(valence_band(0.0), line="Fermi edge", state=1)


def test_carbon_by_the_work_function() -> None:
    assert CARBON_TO_VACUUM.value == pytest.approx(289.58)
    usual = calibrate(sample("spectrum")).attrs["charge_shift"]
    fixed = calibrate(sample("spectrum"), work_function=4.5)
    assert fixed.attrs["charge_shift"] == pytest.approx(usual + 284.8 - 285.08)
    assert fixed.attrs["charge_reference"] == "C 1s 285.08 eV"
    with pytest.raises(ValueError, match="expected work_function= with line="):
        calibrate(sample("spectrum"), line="Au 4f7/2", work_function=4.5)
    with pytest.raises(ValueError, match=r"from 0.5 up to 10 \[eV\], got work_function"):
        calibrate(sample("spectrum"), work_function=-1)


def test_the_calibration_by_casaxps_in_a_file_is_offered() -> None:
    stated = sample("spectrum").assign_attrs(casa_calibration=-1.5)
    fixed = calibrate(stated, line="CasaXPS")
    # CasaXPS adds its shift to binding energies.
    np.testing.assert_allclose(fixed["energy"], stated["energy"] - 1.5)
    assert fixed.attrs["charge_shift"] == pytest.approx(1.5)
    assert fixed.attrs["charge_reference"] == "CasaXPS"
    stack = sample("line_scan")
    dim = next(one for one in stack.dims if one != "energy")
    shifts = np.linspace(0.0, 1.0, stack.sizes[dim])
    each = calibrate(stack.assign_coords(casa_calibration=(dim, -shifts)), line="casaxps")
    np.testing.assert_allclose(each["charge_shift"], shifts)
    with pytest.raises(ValueError, match="states a calibration by CasaXPS, got none"):
        calibrate(sample("spectrum"), line="CasaXPS")


def test_reference_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.csv"
    xpsnet.write(sample("spectrum").xps.shift(1.5), path)
    given = ["fit", str(path), "--n-peaks", "3", "--background", "linear"]
    assert cli.main([*given, "--reference", "C 1s=285.0"]) == 0
    assert "charge reference C 1s 285 eV: -1.3" in capsys.readouterr().out
    assert cli.main([*given, "--reference", "CasaXPS"]) == 2
    assert "calibration by CasaXPS, got none" in capsys.readouterr().err
