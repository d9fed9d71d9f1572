"""Tables of peaks in workbooks: sheets of quantifications beside the curves of a fit."""

import numpy as np
import pytest
from excel_writer import BACKGROUND, ENERGY, PEAKS, Rows, counts, line, region, table, xlsx

from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read
from xpsnet.io.read_fit import read_fit
from xpsnet.io.tables.excel import Sheet
from xpsnet.io.thermo.peak_tables import find_peaks

AREAS = [-float(np.trapezoid(line("gl_product", *values), ENERGY)) for _, *values in PEAKS]


def quantifications(header: list[str], row, *, units: bool = False, heading: bool = False) -> Rows:
    """A sheet of results: `row` gives the cells of one peak."""
    rows: Rows = [["Quantification report"], [], header]
    rows += [["", *["eV"] * (len(header) - 1)]] if units else []
    rows += [["C1s Scan"]] if heading else []
    for (name, center, fwhm, height, _), area in zip(PEAKS, AREAS, strict=True):
        rows.append(row(name, center, fwhm, height, area))
    return [*rows, [], ["Total", "", "", 6200.0]]


def curves(upon: bool = True, units: bool = False) -> Rows:
    """A sheet of curves of another layout: one row of labels, no preamble."""
    labels = [
        "Binding Energy (eV)",
        "Counts / s",
        *(name for name, *_ in PEAKS),
        "Background",
        "Envelope",
    ]
    rows: Rows = [labels, ["eV", *["Counts / s"] * 5]] if units else [labels]
    drawn = [line("gl_product", *values) + upon * BACKGROUND for _, *values in PEAKS]
    for i, energy in enumerate(ENERGY):
        values = [counts()[i], *(curve[i] for curve in drawn), BACKGROUND[i], counts()[i]]
        rows.append([float(energy), *map(float, values)])
    return rows


NAMES = ["Name", "Position (eV)", "FWHM (eV)", "Area", "At.%"]
LAYOUTS = {
    "name": (NAMES, lambda n, c, w, h, a: [n, c, w, a, 50.0], {}),
    "units": (NAMES, lambda n, c, w, h, a: [n, c, w, a, 50.0], {"units": True}),
    "heading": (NAMES, lambda n, c, w, h, a: [n, c, w, a, 50.0], {"heading": True}),
    "region": (["Region", "Component", "BE", "FWHM", "Area CPS.eV", "At %"],
               lambda n, c, w, h, a: ["C1s", n, c, w, a, 50.0], {}),
    "region once": (["Region", "Component", "Peak BE", "FWHM eV", "Area (P) CPS.eV", "Atomic %"],
                    lambda n, c, w, h, a: ["C1s" if "A" in n else "", n, c, w, a, 50.0], {}),
    "text": (NAMES, lambda n, c, w, h, a: [n, f"{c:.2f}".replace(".", ","), str(w), f"{a:.4f}",
                                           "50 %"], {}),
    "height": (["Peak", "Binding Energy", "Height (CPS)", "FWHM", "Area", "At. %"],
               lambda n, c, w, h, a: [n, c, h, w, a, 50.0], {}),
    "width": (["Label", "Center (eV)", "Width", "Area (CPS.eV)", "Atomic Conc. %"],
              lambda n, c, w, h, a: [n, c, w, a, 50.0], {}),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sheet", ["avantage", "plain", "units", "alone"])
def test_a_sheet_of_quantifications_is_a_fit(save, layout: str, sheet: str) -> None:
    header, row, options = LAYOUTS[layout]
    pages = {"avantage": region(), "plain": curves(), "units": curves(units=True),
             "alone": curves(upon=False)}  # fmt: skip
    sheets = [
        ("C1s Scan", pages[sheet]),
        ("Quantifications", quantifications(header, row, **options)),
    ]
    path = save(xlsx(sheets), "a.xlsx")
    (fit,) = read_fit(path)
    assert fit.attrs["region"] == "C 1s"
    assert fit.label.values.tolist() == [name for name, *_ in PEAKS]
    for i, (_, center, fwhm, height, fraction) in enumerate(PEAKS):
        peak = fit.isel(peak=i)
        assert float(peak.center) == pytest.approx(center)
        assert float(peak.fwhm) == pytest.approx(fwhm)
        assert float(peak.height) == pytest.approx(height, rel=0.02)
        assert float(peak.fraction) == pytest.approx(fraction, abs=0.02)
    np.testing.assert_allclose(fit.vendor_area, AREAS, rtol=1e-5)
    assert (fit.atomic_percent == 50.0).all()
    (spectrum,) = read(path)  # the components and the results are no spectra
    assert (spectrum.name, spectrum.dims) == ("C 1s", ("energy",))
    np.testing.assert_allclose(spectrum, counts())


def test_without_curves_the_height_follows_from_the_area(save) -> None:
    header, row, _ = LAYOUTS["name"]
    sheets = [("C1s Scan", region(fitted=False)), ("Quantifications", quantifications(header, row))]
    with pytest.warns(UserWarning, match="no fitted curves in 'C1s Scan'"):
        (fit,) = read_fit(save(xlsx(sheets), "a.xlsx"))
    for i, (_, center, _, height, _) in enumerate(PEAKS):
        assert float(fit.center[i]) == center
        assert float(fit.height[i]) == pytest.approx(height, rel=0.15)


def test_several_tables_of_one_sheet_are_all_read() -> None:
    second = quantifications(NAMES, lambda n, c, w, h, a: [f"O{n}", c, w, a, 1.0])
    rows = [*table(), [], *second]
    peaks = find_peaks(Sheet("a", rows))
    assert [peak.name for peak in peaks] == [
        "C1s Scan A",
        "C1s Scan B",
        "OC1s Scan A",
        "OC1s Scan B",
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [["Binding Energy", "Counts / s"], [285.0, 1.0]],
        [["Name", "Position", "Area"], ["a", 285.0, 5.0]],
        [["Name", "Position", "FWHM", "Area"], ["a", "n/a", 1.0, 5.0], ["", 285.0, 1.0, 5.0]],
        [["Name", "Position", "FWHM", "Area"], ["a", 285.0, -1.0, 5.0]],
        [],
    ],
)
def test_other_tables_are_no_peaks(rows: Rows) -> None:
    assert find_peaks(Sheet("a", rows)) == []


def test_results_alone_are_no_spectra(save) -> None:
    header, row, _ = LAYOUTS["name"]
    peaks = [(f"p{i}", 290.0 - i, 1.0, 10.0, 0.0) for i in range(9)]
    rows: Rows = [header, *(row(n, c, w, h, 100.0) for n, c, w, h, _ in peaks)]
    with pytest.raises(ReadError, match="'Quantifications' holds results, and no spectra"):
        read(save(xlsx([("Quantifications", rows)]), "a.xlsx"))


@pytest.mark.parametrize("names", [["C1s A", "C1s B"], ["C 1s", "C 1s"], ["graphite", "C=O"]])
def test_curves_are_found_whatever_the_table_calls_the_peaks(save, names: list[str]) -> None:
    called = dict(zip([name for name, *_ in PEAKS], names, strict=True))
    rows = quantifications(NAMES, lambda n, c, w, h, a: [called[n], c, w, a, 50.0])
    path = save(xlsx([("C1s Scan", region()), ("Quantifications", rows)]), "a.xlsx")
    (fit,) = read_fit(path)
    assert fit.label.values.tolist() == names
    for i, (_, _, _, height, fraction) in enumerate(PEAKS):
        assert float(fit.height[i]) == pytest.approx(height, rel=0.02)
        assert float(fit.fraction[i]) == pytest.approx(fraction, abs=0.02)
