from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from bench_chemistry import PUBLISHED

import xpsnet
from tests.chemistry.quantify_peaks import region_peaks
from xpsnet.chemistry.cross_sections import cross_section, ionizes, scofield_factor
from xpsnet.chemistry.inelastic_mean_free_path import jtp, material_of, tpp2m
from xpsnet.chemistry.sensitivity_factors import read_factors
from xpsnet.data.level_names import parse_level
from xpsnet.data.transmission import stored_transmission, transmission_attributes

PAIR = ("C 1s", "O 1s")


@pytest.mark.parametrize("energy", PUBLISHED)
def test_factors_are_scofields(energy: float) -> None:
    for name, published in PUBLISHED[energy].items():
        found = scofield_factor(parse_level(name), energy)
        assert found == pytest.approx(published, rel=0.01), name


def test_a_level_is_the_sum_of_its_lines() -> None:
    for name in ("Ti 2p", "Ag 3d", "Au 4f"):
        level = parse_level(name)
        j = {"p": ("1/2", "3/2"), "d": ("3/2", "5/2"), "f": ("5/2", "7/2")}[name[-1]]
        lines = [cross_section(level._replace(j=one), 1486.6) for one in j]
        assert cross_section(level, 1486.6) == pytest.approx(sum(lines))
        statistical = (int(j[1][0]) + 1) / (int(j[0][0]) + 1)
        assert lines[1] / lines[0] == pytest.approx(statistical, rel=0.05)


def test_levels_that_the_photons_do_not_reach() -> None:
    assert not ionizes(parse_level("C 1s"), 180.0)
    with pytest.raises(
        ValueError, match="expected a level with a cross-section at 180 eV, got C 1s"
    ):
        cross_section(parse_level("C 1s"), 180.0)
    with pytest.raises(ValueError, match="got Si 7p"):
        cross_section(parse_level("Si 7p"), 1486.6)


# Roughly what optical data give at 1000 eV [nm].
@pytest.mark.parametrize(("element", "optical"), [("Al", 2.4), ("Si", 2.4), ("Cu", 1.6)])
@pytest.mark.parametrize("equation", [tpp2m, jtp])
def test_mean_free_paths_are_near_those_of_optical_data(equation, element, optical) -> None:
    found = float(equation(1000.0, material_of({"formula": element})))
    assert found == pytest.approx(optical, rel=0.2)


def test_both_equations_by_hand() -> None:
    # Silicon: density 2.33 g/cm3, 4 valence electrons, 28.085 g/mol, 1.1 eV.
    silicon = material_of({"formula": "Si", "density": 2.33, "band_gap": 1.1})
    u = 4 * 2.33 / 28.085
    squared = 28.816**2 * u
    beta = -0.1 + 0.944 / np.sqrt(squared + 1.21) + 0.069 * 2.33**0.1
    bracket = beta * np.log(0.191 / np.sqrt(2.33) * 500) - (1.97 - 0.91 * u) / 500
    bracket += (53.4 - 20.8 * u) / 500**2
    assert float(tpp2m(500.0, silicon)) == pytest.approx(50.0 / (squared * bracket), rel=1e-4)
    alpha = (1 + 500 / 1021997.9) / (1 + 500 / 510998.95) ** 2
    beta = 0.0539 + 17.0 / (squared + 1.21) ** 0.639 - 0.252 * 2.33**-0.463
    bracket = beta * np.log(0.115 * 2.33**-0.253 * alpha * 500)
    bracket += -(9.76 + 2.09 * u) / 500 + (97.5 + 223 * u) / 500**2
    assert float(jtp(500.0, silicon)) == pytest.approx(alpha * 500 / (squared * bracket), rel=1e-4)


@pytest.mark.parametrize(
    ("formula", "electrons"),
    [("H2O", 8), ("NaCl", 8), ("TiO2", 16), ("Cu", 11), ("ZnO", 18), ("Ga", 3), ("Hf", 4),
     ("Au", 11), ("Pb", 4), ("K", 1), ("CaF2", 16)],
)  # fmt: skip
def test_valence_electrons_are_the_group(formula: str, electrons: int) -> None:
    assert material_of({"formula": formula, "density": 1.0}).n_valence == electrons


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"formula": "Gd"}, "the number of valence electrons of a material with Gd"),
        ({"formula": "SiO2"}, "expected the density of SiO2"),
        ({"formula": "SiO2", "density": -1.0}, "expected positive numbers in material="),
        ({"formula": "SiO2", "weight": 1.0}, "as a dict with formula"),
    ],
)
def test_materials_that_are_refused(given: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        material_of(given)


def _two() -> list[xr.Dataset]:
    return [region_peaks(name, [100.0]) for name in PAIR]


@pytest.mark.parametrize(
    "text",
    [
        "level,factor\nC 1s,1.0\nO 1s,2.5\n",
        "# kind: cross-section\nC 1s; 1,0\nO 1s; 2,5\n",
        "C\t1s\t1.0\nO\t1s\t2.5\n",
        "C1s 1.0\nO1s 2.5\n",
    ],
    ids=["commas", "semicolons", "tabs", "blanks"],
)
def test_a_table_of_factors(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    found = xpsnet.quantify(
        _two(), rsf=path, rsf_kind="cross-section", transmission=None, imfp=None
    )
    np.testing.assert_allclose(found.sensitivity_factor, [1.0, 2.5])


def test_a_table_says_what_its_factors_contain(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("# Kind: Measured\nC 1s, 1.0\nO 1s, 2.5\n")
    found = xpsnet.quantify(_two(), rsf=path, angle=90.0)
    np.testing.assert_allclose(found.normalized_area, [100.0, 40.0])
    assert "contained in the factors" in found.attrs["transmission"]
    path.write_text("# kind: wrong\nC 1s, 1.0\n")
    with pytest.raises(ValueError, match="expected the kind from"):
        read_factors(path)
    path.write_text("nothing here")
    with pytest.raises(ValueError, match="write a level and its factor in each row"):
        read_factors(path)


def test_traps_are_said() -> None:
    with pytest.warns(xpsnet.XpsnetWarning, match="nothing says what the given sensitivity"):
        xpsnet.quantify(_two(), rsf={"C 1s": 1.0, "O 1s": 2.5}, transmission=None)
    wagner = {"C 1s": 0.25, "O 1s": 0.66, "F 1s": 1.0}
    with pytest.warns(xpsnet.XpsnetWarning, match="F 1s = 1 as Wagner's"):
        xpsnet.quantify(_two(), rsf=wagner, rsf_kind="measured")
    shirley = [one.assign_attrs(background="shirley") for one in _two()]
    given = {"rsf": {"C": 1.0, "O": 2.5}, "rsf_kind": "average matrix", "transmission": None}
    with pytest.warns(xpsnet.XpsnetWarning, match="above a Tougaard background"):
        found = xpsnet.quantify(shirley, **given)
    np.testing.assert_allclose(found.imfp, 1.0)
    tougaard = [one.assign_attrs(background="tougaard") for one in _two()]
    xpsnet.quantify(tougaard, **given)  # no warning


def _casa(area: float, name: str, factor: str, bare: str) -> xr.Dataset:
    line = f"CASA comp (*{name}*) (*GL(30)*) Area 1 RSF {factor} MASS 12 INDEX -1 (*{name}*) CONST"
    return region_peaks(name, [area], casa_components=f"{line} (**) UNCORRECTEDRSF {bare}")


def test_factors_of_casaxps() -> None:
    bare = [_casa(100.0, "C 1s", "1", "1"), _casa(293.0, "O 1s", "2.93", "2.93")]
    found = xpsnet.quantify(bare, rsf="file", transmission=None, imfp=None)
    np.testing.assert_allclose(found.atomic_fraction, [0.5, 0.5])
    assert found.attrs["rsf_kind"] == "cross-section"
    corrected = [_casa(100.0, "C 1s", "1.1", "1"), _casa(293.0, "O 1s", "2.93", "2.6")]
    with pytest.warns(xpsnet.XpsnetWarning, match="neither is applied again"):
        found = xpsnet.quantify(corrected, rsf="file")
    np.testing.assert_allclose(found.normalized_area, [100 / 1.1, 100.0])
    with pytest.raises(ValueError, match="expected factors of one kind"):
        xpsnet.quantify([bare[0], corrected[1]], rsf="file")
    nought = [bare[0], _casa(293.0, "O 1s", "0", "0")]
    with pytest.warns(xpsnet.XpsnetWarning, match="gives O 1s the factor 0"):
        found = xpsnet.quantify(nought, rsf="file", transmission=None)
    assert float(found.atomic_fraction[0]) == 1.0


def test_avantages_own_quantification_is_reached(real_data: Path) -> None:
    with pytest.warns(xpsnet.XpsnetWarning, match="no fitted curves"):
        fits = xpsnet.read_fit(real_data / "thermo" / "1.xls")
    theirs = [float(fit.atomic_percent[0]) for fit in fits]
    areas = [fit.assign(area=fit.vendor_area) for fit in fits]
    found = xpsnet.quantify(areas, rsf="file", transmission=None, photon_energy=1486.68)
    np.testing.assert_allclose(100 * found.atomic_fraction, theirs, atol=0.2)
    # The exponent that Avantage's normalized areas follow.
    same = xpsnet.quantify(
        areas, rsf="file", transmission=None, photon_energy=1486.68, imfp="ke^0.766"
    )
    np.testing.assert_allclose(100 * same.atomic_fraction, theirs, atol=0.02)


def test_peaks_keep_the_transmission_of_their_spectra() -> None:
    spectrum = xpsnet.sample("spectrum")
    curve = 1.0 + (spectrum.energy.values - 280.0) / 100
    kept = transmission_attributes(spectrum.assign_coords(transmission=("energy", curve)))
    energy, values = stored_transmission(xr.Dataset(attrs=kept))
    np.testing.assert_allclose(energy[[0, -1]], [1486.6 - 294.0, 1486.6 - 280.0])
    np.testing.assert_allclose(values[[0, -1]], [1.14, 1.0])
    assert transmission_attributes(spectrum) == {}
    negative = spectrum.assign_coords(transmission=("energy", -curve))
    assert transmission_attributes(negative) == {}
    assert stored_transmission(xr.Dataset(attrs={"transmission": "[[1, 0]]"})) is None
    assert stored_transmission(xr.Dataset(attrs={"transmission": "many"})) is None


def test_settings_are_those_of_the_spectra_not_of_the_starts() -> None:
    spectrum = xpsnet.sample("spectrum")
    curve = ("energy", np.linspace(1.0, 1.1, spectrum.sizes["energy"]))
    peaks = xpsnet.refine(spectrum.assign_coords(transmission=curve), xpsnet.predict(spectrum))
    assert peaks.attrs["dwell_time"] == spectrum.attrs["dwell_time"]
    assert "transmission" in peaks.attrs
    again = xpsnet.refine(spectrum.assign_attrs(dwell_time=0.7), peaks)
    assert again.attrs["dwell_time"] == 0.7
    assert "transmission" not in again.attrs
