"""Text exports of CasaXPS: spectra, and components as peaks."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize

import xpsnet
from xpsnet.data.peaks import line_shapes_of
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read, read_one, sniff
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.peak_shapes import shape_names

PHOTON_ENERGY = 1486.6
BINDING = np.linspace(540.0, 524.0, 161)
# Name, position, width, area [counts/s eV], line shape.
PEAKS = (("oxide", 530.0, 1.2, 1500.0, "SGL(40)"), ("water", 532.5, 1.6, 300.0, "SGL(40)"))


def _line(peak: Sequence) -> np.ndarray:
    """A sum of Gaussian and Lorentzian of the stated area."""
    _, position, fwhm, area, _ = peak
    shape = LINE_SHAPES["pseudo_voigt"]
    assert shape.area is not None
    height = area / shape.area(position, fwhm, 1.0, 0.4)
    return shape.value(BINDING, position, fwhm, height, 0.4)


def _rows(peaks: Sequence) -> list[str]:
    """The five rows above a table."""
    columns = [["Name", ""], ["Position", ""], ["FWHM", ""], ["Area", ""], ["Lineshape", ""]]
    for name, position, fwhm, area, shape in peaks:
        texts = (name, f"{position:.2f}", f"{fwhm:.2f}", f"{area:.2f}", shape)
        for column, text in zip(columns, texts, strict=True):
            column.append(text)
    return ["\t".join([*column, ""]) for column in columns]


def _export(peaks: Sequence = PEAKS, *, layout: str = "rows", seconds: float = 2.0,
            region: str = "O1s", end: str = "\r\n") -> str:  # fmt: skip
    """One region: "rows" has kinetic energies with counts beside binding energies with CPS."""
    background = np.where((BINDING > 526) & (BINDING < 538), 300.0, 320.0)
    lines = [_line(peak) for peak in peaks]
    counts = sum(lines, background) + np.where(background == 320.0, 0.0, 1.0)
    background = np.where(background == 320.0, counts, background)
    envelope = sum(lines, background)
    table = [counts, *(line + background for line in lines), background, envelope]
    if not peaks:
        table = table[:1]
    names = [peak[0] for peak in peaks]
    fitted = ["Background", "Envelope"] if peaks else []
    if layout == "rows":
        head = [f"Cycle 0:sample A:{region}",
                f"\tCharacteristic Energy eV\t{PHOTON_ENERGY:e}\tAcquisition Time s\t{seconds:e}",
                *_rows(peaks)]  # fmt: skip
        per_second = [f"{name} CPS" for name in fitted]
        labels = ["K.E.", "Counts", *names, *fitted, "", "B.E.", "CPS", *names, *per_second]
        data = np.array([PHOTON_ENERGY - BINDING, *(seconds * np.array(table)), BINDING, *table]).T
        blank = 1 + len(table)
    else:
        head = [*_rows(peaks), ""]
        labels = ["B.E.", f"Cycle 0:sample A:{region}:CPS", *names, *fitted, "", ""]
        data, blank = np.array([BINDING, *table]).T, None
    rows = []
    for row in data:
        cells = [f"{value:.9e}" for value in row]
        if blank is not None:
            cells.insert(blank, "")
        rows.append("\t".join(cells))
    return end.join([*head, "\t".join(labels), *rows, ""])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])
@pytest.mark.parametrize("layout", ["rows", "binding"])
def test_the_spectrum_comes_without_the_columns_of_the_fit(save, layout: str, end: str) -> None:
    path = save(_export(layout=layout, end=end), "a.txt")
    assert sniff(path) == "CasaXPS text"
    (spectrum,) = read(path)
    assert (spectrum.name, spectrum.dims) == ("O 1s", ("energy",))
    assert spectrum.attrs["sample"] == "sample A"
    if layout == "rows":
        told = {"scale": "kinetic", "units": "counts", "photon_energy": PHOTON_ENERGY,
                "dwell_time": 2.0}  # fmt: skip
        np.testing.assert_allclose(spectrum.energy, PHOTON_ENERGY - BINDING)
    else:
        told = {"scale": "binding", "units": "counts/s"}
        np.testing.assert_allclose(spectrum.energy, BINDING)
    assert {key: spectrum.attrs.get(key) for key in told} == told
    assert float(spectrum.max()) == pytest.approx(1500 * (2 if layout == "rows" else 1), rel=0.2)


@pytest.mark.parametrize("layout", ["rows", "binding"])
def test_components_are_peaks_on_the_scale_of_the_spectrum(save, layout: str) -> None:
    path = save(_export(layout=layout), "a.txt")
    (peaks,) = xpsnet.read_fit(path)
    positions = np.array([530.0, 532.5])
    kinetic = layout == "rows"
    np.testing.assert_allclose(peaks.center, PHOTON_ENERGY - positions if kinetic else positions)
    np.testing.assert_allclose(peaks.fwhm, [1.2, 1.6])
    np.testing.assert_allclose(peaks.area, np.array([1500.0, 300.0]) * (2 if kinetic else 1))
    np.testing.assert_allclose(peaks.fraction, 0.4)
    np.testing.assert_array_equal(peaks.vendor_center, positions)
    assert peaks.label.values.tolist() == ["oxide", "water"]
    np.testing.assert_allclose(peaks.background, 600.0 if kinetic else 300.0)
    assert 526 < PHOTON_ENERGY - peaks.energy.values[-1] < 526.2 or not kinetic
    spectrum = read_one(path, region="O 1s")
    fitted = spectrum.sel(energy=peaks.energy) - xpsnet.curves(peaks).envelope
    np.testing.assert_allclose(fitted, 2.0 if kinetic else 1.0, atol=1e-4)


def test_regions_follow_one_another_with_and_without_components(save) -> None:
    text = _export([], region="Survey") + _export() + _export(region="C 1s")
    path = save(text, "a.txt")
    assert [spectrum.name for spectrum in read(path)] == ["survey", "O 1s", "C 1s"]
    assert [peaks.attrs["region"] for peaks in xpsnet.read_fit(path)] == ["O 1s", "C 1s"]
    (peaks,) = xpsnet.read_fit(path, region="C 1s")
    assert peaks.sizes["peak"] == 2


def test_a_line_that_is_not_known_is_measured_on_its_curve(save) -> None:
    odd = [("oxide", 529.8, 1.4, 1500.0, "ABC(1)")]
    text = _export([("oxide", 530.0, 1.2, 1500.0, "SGL(40)")])
    for old, new in (("SGL(40)", "ABC(1)"), ("530.00", "529.80"), ("1.20", "1.40")):
        text = text.replace(old, new)
    with pytest.warns(UserWarning, match=r"ABC\(1\) drawn as the nearest pseudo_voigt"):
        (peaks,) = xpsnet.read_fit(save(text, "a.txt"))
    assert peaks.center.item() == pytest.approx(PHOTON_ENERGY - 530.0, abs=0.01)
    assert peaks.fwhm.item() == pytest.approx(1.2, rel=0.01)
    assert peaks.vendor_center.item() == odd[0][1]


def test_exports_without_components_hold_no_fit(save) -> None:
    with pytest.raises(ReadError, match="expected components of a CasaXPS fit"):
        xpsnet.read_fit(save(_export([]), "a.txt"))


def _plain(seconds: float = 2.0, region: str = "O1s") -> str:
    """A spectrum with its background and envelope, without the rows of components."""
    rate = 300.0 + 50.0 * np.exp(-((BINDING - 531.0) ** 2))
    lines = [
        f"Cycle 0:sample A:{region}",
        f"\tCharacteristic Energy eV\t{PHOTON_ENERGY:e}\tAcquisition Time s\t{seconds:e}",
        "K.E.\tCounts\tBackground\tEnvelope\t\tB.E.\tCPS\tBackground CPS\tEnvelope CPS",
    ]
    for energy, one in zip(BINDING, rate, strict=True):
        cells = [PHOTON_ENERGY - energy, seconds * one, seconds * 300.0, seconds * one]
        others = [energy, one, 300.0, one]
        lines.append("\t".join([*(f"{v:.9e}" for v in cells), "", *(f"{v:.9e}" for v in others)]))
    return "\r\n".join([*lines, "", ""])


def test_background_and_envelope_are_no_spectra(save) -> None:
    path = save(_plain() + _plain(region="C1s"), "a.txt")
    assert sniff(path) == "CasaXPS text"
    oxygen, carbon = read(path)
    assert (oxygen.name, carbon.name) == ("O 1s", "C 1s")
    assert oxygen.dims == carbon.dims == ("energy",)
    assert (oxygen.attrs["units"], oxygen.attrs["sample"]) == ("counts", "sample A")
    assert oxygen.attrs["dwell_time"] == 2.0
    np.testing.assert_allclose(xpsnet.to_binding(oxygen).energy, BINDING, atol=1e-5)


@pytest.mark.parametrize("behind", [True, False])
def test_a_table_of_results_beside_the_spectra_is_none(save, behind: bool) -> None:
    numbers = [f"\tO{i}\t{530 + i}\t1.2\t2.93\t{600 + i}\t20.0" for i in range(6)]
    results = "\r\n".join(["\tName\tPosition\tFWHM\tR.S.F.\tArea\t% Conc.", *numbers, "", ""])
    text = _export() + "\r\n" + results if behind else results + _export()
    (spectrum,) = read(save(text, "a.txt"))
    assert spectrum.name == "O 1s"
    assert spectrum.size == BINDING.size


def test_rows_that_belong_to_no_table_are_left_out_with_a_warning(save) -> None:
    with pytest.warns(UserWarning, match="is left out: no energies and counts"):
        (spectrum,) = read(save(_export().replace("\r\nK.E.", "\r\nend\r\nK.E."), "a.txt"))
    assert spectrum.size == BINDING.size


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("K.E.\tCounts", "x\ty", "left out|column K.E. or B.E."),
    ],
)
def test_damaged_tables_are_refused(save, old: str, new: str, message: str) -> None:
    text = _export().replace("B.E.", "z").replace(old, new)
    with pytest.raises(ReadError, match=message):
        read(save(text, "a.txt"))


# Curves that CasaXPS exported beside the rows: index of the component, and of its column.
@pytest.mark.parametrize("name", ["vamas/FeO_analyzed_lineshapes_cols.txt", "text/ascii_Au4f.txt"])
def test_lines_are_those_that_casaxps_draws(real_data: Path, name: str) -> None:
    path = real_data / name
    (peaks,) = xpsnet.read_fit(path)
    rows = [line.split("\t") for line in path.read_text("latin-1").splitlines()]
    n = peaks.sizes["peak"]
    table = np.array([[float(c) for c in row[: 3 + n]] for row in rows if row[0][:1].isdigit()])
    curves = table[:, 2 : 2 + n] - table[:, [2 + n]]
    maxima = table[np.argmax(curves, axis=0), 0]
    step = abs(table[1, 0] - table[0, 0])
    np.testing.assert_allclose(peaks.center, maxima, atol=0.55 * step)
    # Positions and widths are stated with two digits: they are moved within the last one.
    energy = xpsnet.read_one(path)["energy"].values
    shapes = shape_names(line_shapes_of(peaks), n)
    for k, (shape, curve) in enumerate(zip(shapes, curves.T, strict=True)):
        given = [float(peaks[key][k]) for key in LINE_SHAPES[shape].parameters]
        binding = energy if peaks.attrs["scale"] == "binding" else -energy
        given[0] *= 1 if peaks.attrs["scale"] == "binding" else -1

        def off(moves: np.ndarray, one=given, line=LINE_SHAPES[shape], at=binding, by=curve):
            center, width = one[0] + moves[0], one[1] * (1 + moves[1])
            return line.value(at, center, width, one[2] * (1 + moves[2]), *one[3:]) - by

        found = optimize.least_squares(off, np.zeros(3), x_scale=[0.01, 0.01, 0.01])
        assert np.abs(found.fun).max() < 0.005 * curve.max()
        assert abs(found.x[0]) < 0.006
        assert abs(found.x[1]) * float(peaks.vendor_fwhm[k]) < 0.006
        assert abs(found.x[2]) < 0.008
