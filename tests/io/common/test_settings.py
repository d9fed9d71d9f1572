"""Settings by their words: keys of many programs, units, and what is none of them."""

import pytest

from xpsnet.io.common.settings import read_settings, setting_name


@pytest.mark.parametrize(
    "key",
    ["Excitation Energy", "PhotonEnergy", "photon_energy [eV]", "BL Energy", "hv", "mono_ev",
     "Monochromator energy", "Beamline Energy (eV)", "Source Energy"],
)  # fmt: skip
def test_the_photon_energy_has_many_names(key: str) -> None:
    assert setting_name(key) == "photon_energy"
    assert read_settings([f"{key} = 612.5"]) == {"photon_energy": 612.5}


@pytest.mark.parametrize(
    "key", ["Kinetic Energy", "Energy", "Center Energy", "Pass", "Step Time", "Temperature", ""]
)
def test_other_quantities_are_none_of_them(key: str) -> None:
    assert setting_name(key) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Photon energy: 1.4866 keV", {"photon_energy": 1486.6}),
        ("Photon Energy [keV] = 1.4866", {"photon_energy": 1486.6}),
        ("DwellTime = 96 ms", {"dwell_time": 0.096}),
        ("Dwell Time (s) = 0,25", {"dwell_time": 0.25}),
        ("Pass Energy=20 eV", {"pass_energy": 20.0}),
        ("Number of Scans   = 30", {"n_scans": 30}),
        ("Lens Mode = WideAngleMode", {"lens_mode": "WideAngleMode"}),
        ("Excitation Energy = 0", {}),
        ("Excitation Energy = -5", {}),
        ("Sample = unknown", {}),
        ("no setting at all", {}),
    ],
)
def test_values_have_their_units(line: str, expected: dict[str, object]) -> None:
    found = read_settings([line])
    assert found == pytest.approx(expected) if "mode" not in line.lower() else found == expected


def test_of_a_repeated_quantity_the_first_counts() -> None:
    assert read_settings(["hv=100", "Photon Energy=200"]) == {"photon_energy": 100.0}
