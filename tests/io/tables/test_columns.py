# ruff: noqa: RUF001 (letters of other alphabets)
"""What columns are taken for: words, units and numbers as evidence, refusals, what users state."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read
from xpsnet.io.tables.column_words import evidence

BINDING = np.round(np.arange(292.0, 286.0, -0.1), 2)
PEAK = np.round(9000 * np.exp(-(((BINDING - 289) / 0.8) ** 2)), 1)
COUNTS = PEAK + 1234.0
Save = Callable[..., Any]


def text(header: str, *columns: Any, separator: str = "\t") -> str:
    """A table below a header line."""
    lines = [separator.join(map(str, row)) for row in zip(*columns, strict=True)]
    return "\n".join([header, *lines]) + "\n"


def quietly(path: Any, **stated: Any) -> list[xr.DataArray]:
    """Spectra of a file, whatever it assumes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read(path, **stated)


@pytest.mark.parametrize(
    ("label", "scale", "factor", "sign"),
    [
        ("BE", "binding", 1, 1), ("B.E.", "binding", 1, 1), ("BE_eV", "binding", 1, 1),
        ("C1s BE", "binding", 1, 1), ("E_B (eV)", "binding", 1, 1), ("E", None, 1, 1),
        ("Binding Energy (keV)", "binding", 1000, 1), ("Energy [meV]", None, 0.001, 1),
        ("Bindungsenergie / eV", "binding", 1, 1), ("kinetische Energie", "kinetic", 1, 1),
        ("Énergie de liaison (eV)", "binding", 1, 1), ("Énergie cinétique", "kinetic", 1, 1),
        ("Energía de enlace", "binding", 1, 1), ("Energía cinética", "kinetic", 1, 1),
        ("Energia di legame [eV]", "binding", 1, 1), ("Energia cinetica", "kinetic", 1, 1),
        ("Energia de ligação", "binding", 1, 1), ("Энергия связи, эВ", "binding", 1, 1),
        ("Кинетическая энергия", "kinetic", 1, 1), ("结合能", "binding", 1, 1),
        ("结合能 / eV", "binding", 1, 1), ("动能 (eV)", "kinetic", 1, 1),
        ("結合エネルギー", "binding", 1, 1), ("運動エネルギー(eV)", "kinetic", 1, 1),
        ("결합 에너지", "binding", 1, 1), ("운동 에너지", "kinetic", 1, 1),
        ("E - EF (eV)", "binding", 1, -1), ("E\u2212E_F", "binding", 1, -1),
        ("Energy relative to Fermi level (eV)", "binding", 1, -1), ("E_F - E", "binding", 1, 1),
        ("Binding energy [eV] (hv = 1486.6 eV)", "binding", 1, 1),
    ],
)  # fmt: skip
def test_energies_are_known_by_their_label(
    label: str, scale: str | None, factor: float, sign: int
) -> None:
    found = evidence(label)
    assert (found.kind, found.scale, found.factor, found.sign) == ("energy", scale, factor, sign)


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        (
            "counts",
            [
                "Counts",
                "CPS",
                "Intensity (a.u.)",
                "Zählrate",
                "Impulse",
                "Intensité",
                "coups",
                "Cuentas",
                "Conteggi",
                "Интенсивность",
                "имп/с",
                "强度",
                "强度 (a.u.)",
                "カウント",
                "세기",
                "raw_y",
                "Data",
                "N(E)",
                "C1s CPS",
                "Messwerte",
                "Counts / eV",
            ],
        ),
        (
            "error",
            [
                "Error",
                "Std Dev",
                "sigma",
                "σ",
                "Fehler",
                "Erreur",
                "Incertidumbre",
                "Errore",
                "誤差",
                "误差",
                "오차",
                "Погрешность",
                "counts_err",
                "uncertainty",
            ],
        ),
        (
            "background",
            [
                "Background",
                "bg",
                "BKG",
                "Shirley",
                "Untergrund",
                "Fond",
                "Ligne de base",
                "Fondo",
                "Baseline",
                "背景",
                "バックグラウンド",
                "фон",
                "Tougaard bg",
            ],
        ),
        ("residual", ["Residual", "residuals", "Résidu", "残差", "Residuum", "Остаток"]),
        (
            "envelope",
            [
                "Envelope",
                "Fit",
                "Best Fit",
                "sum_fit",
                "Cumulative Fit Peak",
                "Einhüllende",
                "Peak Sum",
                "Model",
                "包络",
                "Fitted curve",
                "エンベロープ",
            ],
        ),
        (
            "component",
            ["Peak 1", "Fit Peak 2", "g1_", "Component 3", "comp1", "成分 1", "Komponente 2"],
        ),
        ("processed", ["Counts - BG", "Background subtracted", "normalized", "Smoothed counts"]),
        (
            "other",
            [
                "Time (s)",
                "Zeit / s",
                "Photon Energy (eV)",
                "PE/eV",
                "hv",
                "angle_deg",
                "2Theta",
                "Raman shift (cm-1)",
                "Wavelength (nm)",
                "Wellenlänge",
                "cm⁻¹",
                "Temperature (K)",
                "Etch Time [s]",
                "etch_time_s",
                "Depth (nm)",
                "Pass Energy (eV)",
                "时间 (s)",
                "Energy Loss (eV)",
                "E-E_VBM (eV)",
                "I0",
                "波长",
                "FWHM (eV)",
                "Center [eV]",
            ],
        ),
        ("index", ["", "Index", "No.", "#", "Point", "Channel", "Unnamed: 0", "序号"]),
        ("region", ["C 1s", "O1s scan", "Be 1s", "Cu LMM"]),
        ("place", ["x", "Y", "map_x", "pos_y"]),
        ("", ["annealed", "sample A", "etched 60 s", "300 K", "C-C", "hv = 180 eV"]),
    ],
)
def test_other_columns_are_known_by_their_label(kind: str, labels: list[str]) -> None:
    found = {label: evidence(label).kind for label in labels if label}
    assert found == dict.fromkeys(found, kind)


@pytest.mark.parametrize(
    "label",
    ["PE/eV", "Photon energy (eV)", "angle_deg", "Raman shift (cm-1)", "Wavelength (nm)", "2Theta",
     "Time (s)", "Channel", "Zeit [s]", "Longueur d'onde (nm)", "光子能量 (eV)", "Energy loss (eV)",
     "E-E_VBM (eV)", "Wavenumber / cm\u207b\u00b9", "Temperature [K]", "Tiempo (s)"],
)  # fmt: skip
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_other_quantities_are_no_energies(save: Save, label: str, separator: str) -> None:
    path = save(text(f"{label}{separator}Intensity", BINDING, COUNTS, separator=separator), "a.csv")
    with pytest.raises(
        ReadError, match=r"line 2: expected a column of electron energies"
    ) as caught:
        read(path)
    assert repr(label)[:30] in str(caught.value)
    (spectrum,) = quietly(path, columns={"axis": 1})
    np.testing.assert_array_equal(spectrum.energy, BINDING)


@pytest.mark.parametrize(
    ("header", "factor"), [("Energy (keV)", 1e3), ("BE [meV]", 1e-3), ("E-EF (keV)", -1e3)]
)
def test_energies_are_in_ev(save: Save, header: str, factor: float) -> None:
    path = save(text(header + "\tcounts", BINDING / factor, COUNTS), "a.txt")
    (spectrum,) = quietly(path)
    np.testing.assert_allclose(spectrum.energy, BINDING, rtol=1e-9)


def test_energies_from_the_fermi_level_are_turned_with_a_warning(save: Save) -> None:
    path = save(text("E-EF (eV)\tcounts", BINDING - 290, COUNTS), "a.txt")
    with pytest.warns(UserWarning, match=r"'E-EF .eV.' at line 2 counts .* its sign is turned"):
        (spectrum,) = read(path)
    np.testing.assert_array_equal(spectrum.energy, 290 - BINDING)
    assert spectrum.attrs["scale"] == "binding"


@pytest.mark.parametrize(
    ("header", "factor", "units"),
    [("Counts (x1000)", 1e3, "counts"), ("kcps", 1e3, "counts/s"), ("Counts", 1.0, "counts"),
     ("Intensity (10^3 counts)", 1e3, "counts"), ("CPS", 1.0, "counts/s")],
)  # fmt: skip
def test_thousands_in_the_label_of_counts(
    save: Save, header: str, factor: float, units: str
) -> None:
    (spectrum,) = read(save(text("BE\t" + header, BINDING, COUNTS / factor), "a.txt"))
    np.testing.assert_allclose(spectrum, COUNTS, rtol=1e-12)
    assert spectrum.attrs["units"] == units


EXPORTS = {
    "LG4X": "x,raw_y,sum_fit,bg,g1_,g2_",
    "Origin": "Binding Energy\tIntensity\tFit Peak 1\tFit Peak 2\tCumulative Fit Peak\tBaseline",
    "XPSPEAK": "B.E.\tRaw Intensity\tPeak Sum\tBackground\tPeak 0\tPeak 1",
    "names of components": "Energy;Messwerte;Untergrund;C-C;C=O;Einhüllende",
    "CasaXPS": "BE\tC 1s CPS\tC-C\tC-O\tBackground\tEnvelope",
    "Chinese": "结合能\t强度\t背景\t成分 1\t成分 2\t残差",
    "French": "Énergie de liaison (eV);Coups;Fond;Pic 1;Pic 2;Enveloppe",
    "no word for counts": "BE,C 1s,background,C-C,C-O,residuals",
    "errors and time": "BE,I,sigma,t (s),bg,residual",
}


@pytest.mark.parametrize("program", EXPORTS)
def test_curves_of_a_fit_are_no_spectra(save: Save, program: str) -> None:
    header = EXPORTS[program]
    separator = next(sign for sign in "\t;," if sign in header)
    columns = [BINDING, COUNTS, PEAK + 7, PEAK + 5, PEAK * 2, PEAK + 1]
    (spectrum,) = quietly(save(text(header, *columns, separator=separator), "a.txt"))
    assert spectrum.dims == ("energy",)
    np.testing.assert_array_equal(spectrum, COUNTS)
    assert spectrum.attrs["columns"].count("spectrum") == 1


@pytest.mark.parametrize(
    ("header", "order"),
    [("BE/eV\tKE/eV\tSum\tCh1\tCh2", "bksxy"), ("Binding Energy\tKinetic Energy (eV)\tI", "bks"),
     ("KE\tBE\tCounts", "kbs"), ("KE\tCounts\tBE", "ksb"), ("No\tBE\tKE\tCPS", "nbks")],
)  # fmt: skip
def test_binding_and_kinetic_energies_give_the_photon_energy(
    save: Save, header: str, order: str
) -> None:
    columns = {"b": BINDING, "k": np.round(1486.6 - BINDING, 2), "s": COUNTS, "x": COUNTS / 3,
               "y": COUNTS / 1.5, "n": np.arange(BINDING.size)}  # fmt: skip
    (spectrum,) = read(save(text(header, *(columns[key] for key in order)), "a.txt"))
    np.testing.assert_array_equal(spectrum.energy, BINDING)
    np.testing.assert_array_equal(spectrum, COUNTS)
    assert spectrum.attrs["scale"] == "binding"
    assert spectrum.attrs["photon_energy"] == 1486.6


def test_channels_without_their_sum_are_a_stack(save: Save) -> None:
    path = save(text("KE\tCh1\tCh2\tCh3", BINDING, COUNTS, PEAK, COUNTS + 1), "a.txt")
    (stack,) = read(path)
    assert stack.dims == ("channel", "energy")
    assert stack.channel.values.tolist() == [1, 2, 3]


@pytest.mark.parametrize("header", ["", "BE\tCounts\tError", "BE\tI\tu"])
def test_errors_are_known_by_their_label_or_as_square_roots(save: Save, header: str) -> None:
    lines = text(header, BINDING, COUNTS, np.round(np.sqrt(COUNTS), 3))
    (spectrum,) = quietly(save(lines.lstrip("\n"), "a.txt"))
    np.testing.assert_array_equal(spectrum, COUNTS)
    if header != "BE\tI\tu":
        assert spectrum.attrs["columns"].endswith("error")


@pytest.mark.parametrize("label", ["", "index", "Unnamed: 0"])
def test_the_number_of_a_row_is_no_energy(save: Save, label: str) -> None:
    numbers = np.arange(BINDING.size)
    for header in (f"{label}\tBinding Energy\tCounts", f"{label}\tx\tCounts"):
        (spectrum,) = quietly(save(text(header, numbers, BINDING, COUNTS), "a.txt"))
        np.testing.assert_array_equal(spectrum.energy, BINDING)
        np.testing.assert_array_equal(spectrum, COUNTS)


def test_row_names_of_r_have_no_label(save: Save) -> None:
    rows = [f'"{i}" {e} {c}' for i, (e, c) in enumerate(zip(BINDING, COUNTS, strict=True), 1)]
    (spectrum,) = read(save('"BE" "counts"\n' + "\n".join(rows), "a.txt"))
    np.testing.assert_array_equal(spectrum.energy, BINDING)
    assert spectrum.attrs["columns"] == "1 without label: index; 2 'BE': axis; 3 'counts': spectrum"


def test_a_column_called_energy_that_is_none_is_refused(save: Save) -> None:
    wild = COUNTS[np.random.default_rng(0).permutation(COUNTS.size)]
    path = save(text("No\tBE\tCounts", np.arange(COUNTS.size), wild, COUNTS), "a.txt")
    with pytest.raises(ReadError, match="got a column 'BE' that neither rises nor falls"):
        read(path)


def test_a_table_of_peaks_is_no_spectrum(save: Save) -> None:
    places = [284.8, 286.1, 288.0, 290.0, 530.1, 531.9]
    lines = text("Peak BE\tFWHM eV\tArea (P)\tAtomic %", places, [1.1] * 6, [90] * 6, [10] * 6)
    with pytest.raises(ReadError, match="got a table of peaks, with their widths and areas"):
        read(save(lines, "a.txt"))


def test_a_column_without_a_known_label_is_left_out_with_a_warning(save: Save) -> None:
    path = save(text("BE\tCounts\tfoo", BINDING, COUNTS, PEAK[::-1]), "a.txt")
    with pytest.warns(UserWarning, match="column 'foo' at line 2 is no spectrum, as far as"):
        (spectrum,) = read(path)
    np.testing.assert_array_equal(spectrum, COUNTS)


def test_the_user_states_what_columns_hold(save: Save) -> None:
    path = save(text("time\tCounts\tfoo\tb", BINDING, COUNTS, PEAK, COUNTS * 2), "a.txt")
    stated = {"axis": "time", "spectrum": ["foo", 4], "left out": 2}
    (stack,) = read(path, columns=stated, scale="kinetic")
    assert stack.column.values.tolist() == ["foo", "b"]
    np.testing.assert_array_equal(stack.sel(column="foo"), PEAK)
    assert "2 'Counts': left out" in stack.attrs["columns"]


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"axis": "BE"}, r"no column 'BE' .columns= names it., but 1 'time', 2 'Counts'"),
        ({"axis": 3}, "no column 3"),
    ],
)
def test_a_column_that_does_not_exist_is_refused(
    save: Save, stated: dict[str, Any], message: str
) -> None:
    with pytest.raises(ReadError, match=message):
        read(save(text("time\tCounts", BINDING, COUNTS), "a.txt"), columns=stated)


@pytest.mark.parametrize(
    "stated", ["BE", {"energy": 1}, {"axis": 0}, {"axis": 1.5}, {"axis": True}]
)
def test_roles_are_checked_before_a_file_is_opened(stated: Any) -> None:
    with pytest.raises(ValueError, match=r'got .*; pass a mapping such as \{"axis": "BE"'):
        read("missing.txt", columns=stated)


def test_other_formats_have_no_columns_to_name(save: Save) -> None:
    with pytest.raises(
        ReadError, match=r"a format that takes columns= .*text.*, got VAMAS; leave out"
    ):
        read(save("VAMAS Surface Chemical Analysis Standard Data Transfer Format 1988 May 4\n"),
             columns={"axis": 1})  # fmt: skip


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("C 1s\t\tO 1s\t\nBE\tCPS\tBE\tCPS", ["C 1s", "O 1s"]),
        ("C1s BE\tC1s CPS\tO1s BE\tO1s CPS", ["C 1s", "O 1s"]),
        ("Sample A\t\tSample B\t\nBE\tCPS\tBE\tCPS", ["Sample A", "Sample B"]),
        ("BE\tC1s\tBE\tO1s", ["C 1s", "O 1s"]),
        ("#legend\tC1s\tO1s\n# BE", ["C 1s", "O 1s"]),
        ("BE\tCPS\tBE\tCPS", ["a 1", "a 2"]),
    ],
)
def test_names_above_a_pair_of_columns_belong_to_it(
    save: Save, header: str, names: list[str]
) -> None:
    columns = [BINDING, COUNTS, BINDING + 246, PEAK]
    spectra = quietly(save(text(header, *columns), "a.txt"))
    assert [one.name for one in spectra] == names
    np.testing.assert_array_equal(spectra[1].energy, BINDING + 246)
    np.testing.assert_array_equal(spectra[1], PEAK)


@pytest.mark.parametrize("encoding", ["gb18030", "cp932", "euc_kr", "cp1251"])
def test_words_show_the_encoding_of_other_alphabets(save: Save, encoding: str) -> None:
    label = {
        "gb18030": "结合能 (eV)\t强度",
        "cp932": "結合エネルギー\t強度",
        "euc_kr": "결합 에너지\t세기",
        "cp1251": "Энергия связи\tИнтенсивность",
    }[encoding]
    (spectrum,) = read(save(text(label, BINDING, COUNTS).encode(encoding), "a.txt"))
    assert spectrum.attrs["scale"] == "binding"
    np.testing.assert_array_equal(spectrum, COUNTS)


def test_counts_and_their_rate_are_one_spectrum(save: Save) -> None:
    path = save(text("BE\tCounts\tCPS", BINDING, COUNTS, COUNTS / 0.1), "a.txt")
    (spectrum,) = read(path)
    np.testing.assert_array_equal(spectrum, COUNTS)
    assert spectrum.attrs["units"] == "counts"


def test_columns_of_different_regions_are_spectra_of_their_own(save: Save) -> None:
    path = save(text("BE\tC1s\tO1s", BINDING, COUNTS, PEAK), "a.txt")
    carbon, oxygen = read(path)
    assert (carbon.name, oxygen.name) == ("C 1s", "O 1s")
    np.testing.assert_array_equal(oxygen, PEAK)


@pytest.mark.parametrize(
    "above",
    ["Sample\tA\nTemperature\tRT\n", "Date\t2024\nTime\t12:30\n", "Lens Mode\tAngle\nPass\t20\n"],
)
def test_settings_above_two_columns_are_no_labels(save: Save, above: str) -> None:
    (spectrum,) = quietly(save(above + text("", BINDING, COUNTS).lstrip("\n"), "a.txt"))
    np.testing.assert_array_equal(spectrum.energy, BINDING)


@pytest.mark.parametrize(
    ("header", "attrs"),
    [
        ("hv (eV)\tBE\tCounts", {"photon_energy": 650.0}),
        ("Pass energy (eV)\tKE\tCounts", {"pass_energy": 650.0}),
    ],
)
def test_settings_in_a_column_of_one_value_are_attributes(
    save: Save, header: str, attrs: dict[str, float]
) -> None:
    (spectrum,) = read(save(text(header, np.full(BINDING.size, 650.0), BINDING, COUNTS), "a.txt"))
    assert {key: spectrum.attrs.get(key) for key in attrs} == attrs


@pytest.mark.parametrize("units", ["eV\tCPS", "(eV)\t(counts/s)", "[eV]\t[cps]"])
def test_units_may_stand_in_a_line_of_their_own(save: Save, units: str) -> None:
    header = f"Sample A\nKinetic Energy\tIntensity\n{units}"
    (spectrum,) = read(save(text(header, BINDING, COUNTS), "a.txt"))
    assert (spectrum.attrs["scale"], spectrum.attrs["units"]) == ("kinetic", "counts/s")
    assert spectrum.attrs["columns"] == "1 'Kinetic Energy': axis; 2 'Intensity': spectrum"


def test_rows_outside_the_spectrum_are_named(save: Save) -> None:
    lines = text("BE\tCounts", BINDING, COUNTS) + "\n1.5\t2.5\n"
    with pytest.warns(UserWarning, match="line 63 left out: their energies continue no others"):
        (spectrum,) = read(save(lines, "a.txt"))
    assert spectrum.size == BINDING.size


def test_remarks_beside_some_rows_do_no_harm(save: Save) -> None:
    rows = [f"{e},{c}," + "spike" * (i == 20)
            for i, (e, c) in enumerate(zip(BINDING, COUNTS, strict=True))]  # fmt: skip
    (spectrum,) = read(save("BE,Counts,remark\n" + "\n".join(rows), "a.csv"))
    np.testing.assert_array_equal(spectrum, COUNTS)
    assert spectrum.attrs["scale"] == "binding"


def test_roles_come_back_from_their_text(tmp_path) -> None:
    from xpsnet.io.tables.columns import roles_of_text

    path = tmp_path / "t.csv"
    rows = "".join(f"{280 + i / 10},{100 + i},{40 + i}\n" for i in range(30))
    path.write_text('BE (eV),"counts; first",background\n' + rows)
    (spectrum,) = xpsnet.read(path)
    assert roles_of_text(spectrum.attrs["columns"]) == [
        (1, "BE (eV)", "axis"), (2, "counts; first", "spectrum"), (3, "background", "background")
    ]  # fmt: skip
    assert roles_of_text("1 without label: axis; 2 without label: spectrum; 3 more") == [
        (1, "without label", "axis"), (2, "without label", "spectrum")
    ]  # fmt: skip
    assert roles_of_text("") == []
