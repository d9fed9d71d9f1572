"""Excel workbooks: Avantage's exports with their fits, tables of others, and what may do harm."""

import io
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import xlrd
from excel_writer import (
    BACKGROUND,
    CHINESE,
    ENERGY,
    ENGLISH,
    PEAKS,
    Sheets,
    counts,
    region,
    table,
    workbook,
    xls,
    xlsx,
)
from thermo_writer import Measurement, vgd

import xpsnet
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import sniff
from xpsnet.io.tables import excel
from xpsnet.io.thermo import avantage_excel
from xpsnet.io.thermo.avantage_fits import read_fits

WRITERS = pytest.mark.parametrize("written", [xls, xlsx], ids=["xls", "xlsx"])
LANGUAGES = pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=["English", "Chinese"])
Written = Callable[[Sheets], bytes]


def changed_names() -> bytes:
    """A zip archive that is no workbook."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("readme.xml", "")
    return out.getvalue()


def quietly(path: Path) -> list[tuple[str, object]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_fits(path)


@WRITERS
@LANGUAGES
def test_an_export_gives_its_spectra(save, written: Written, words) -> None:
    reading = avantage_excel.read(save(written(workbook(words)), "1.dat"))
    (spectrum,) = reading.spectra
    assert reading.notes == []
    assert (spectrum.name, spectrum.dims) == ("C 1s", ("energy",))
    np.testing.assert_array_equal(spectrum.energy, ENERGY)
    # Workbooks of today hold 16 digits.
    np.testing.assert_allclose(spectrum, counts(), rtol=1e-15)
    assert spectrum.attrs == {
        "units": "counts/s", "scale": "binding", "region_original": "C1s Scan", "n_scans": 10,
        "source": "Al K Alpha", "lens_mode": "Standard", "measured_file": "C1s Scan.VGD",
    }  # fmt: skip


def test_an_old_workbook_is_found_by_its_content(save) -> None:
    path = save(xls(workbook()), "export.txt")
    spectrum = xpsnet.read_one(path, region="C 1s")
    np.testing.assert_array_equal(spectrum, counts())
    assert sniff(path) == "Thermo Avantage or Excel (OLE)"


@pytest.mark.parametrize(
    ("names", "expected"),
    [(["[Content_Types].xml", "xl/workbook.xml"], True), (["word/document.xml"], False),
     (["Spectrum_C1s.ini", "Spectrum_C1s.bin"], False), ([], False)],
    ids=["workbook", "document", "DA30", "empty"],
)  # fmt: skip
def test_a_workbook_is_told_from_other_archives(names: list[str], expected: bool) -> None:
    assert excel.is_workbook(names) is expected


@WRITERS
@LANGUAGES
def test_a_fit_is_read_with_its_background(save, written: Written, words) -> None:
    (peaks,) = read_fits(save(written(workbook(words)), "1.dat"))
    assert peaks.attrs["region"] == "C 1s"
    assert peaks.label.values.tolist() == ["C1s Scan A", "C1s Scan B"]
    expected = np.array([values for _, *values in PEAKS]).T
    for parameter, values in zip(("center", "fwhm", "height", "fraction"), expected, strict=True):
        np.testing.assert_allclose(peaks[parameter], values, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(peaks.energy, ENERGY[10:-10])
    np.testing.assert_allclose(peaks.background, BACKGROUND[10:-10])
    np.testing.assert_allclose(peaks.area, peaks.vendor_area, rtol=1e-12)
    assert peaks.atomic_percent.values.tolist() == [40, 40]
    assert (peaks.attrs["line_shape"], peaks.attrs["units"]) == ("gl_product", "counts/s")
    assert (peaks.attrs["scale"], peaks.attrs["background_in_file"]) == ("binding", "Smart")
    drawn = xpsnet.curves(peaks)
    np.testing.assert_allclose(drawn.envelope, counts()[10:-10], rtol=1e-12)


@pytest.mark.parametrize("upon", [True, False], ids=["upon the background", "alone"])
@pytest.mark.parametrize("shape", ["gl_product", "pseudo_voigt"])
def test_the_shape_follows_the_fitted_curves(save, shape: str, upon: bool) -> None:
    (peaks,) = read_fits(save(xls(workbook(shape=shape, upon=upon)), "1.xls"))
    assert peaks.attrs["line_shape"] == shape
    np.testing.assert_allclose(peaks.fraction, [0.3, 0.1], atol=1e-9)


def test_a_fit_survives_its_file(save, tmp_path: Path) -> None:
    (peaks,) = read_fits(save(xls(workbook()), "1.xls"))
    xpsnet.write(peaks, tmp_path / "fit.nc")
    again = xpsnet.read_fit(tmp_path / "fit.nc")[0]
    np.testing.assert_array_equal(again.background, peaks.background)
    np.testing.assert_array_equal(again.vendor_area, peaks.vendor_area)


def test_an_asymmetric_line_is_told(save) -> None:
    sheets = workbook()
    rows = sheets[0][1]
    tail = 3000.0 * np.exp(-0.5 * (ENERGY - 286.5) ** 2)
    for row, extra in zip(rows[26:-10], tail[10:-10], strict=True):
        row[4] += extra
    with pytest.warns(
        UserWarning, match="'C1s Scan A' is no line shape of xpsnet .* % of its height"
    ):
        read_fits(save(xls(sheets), "1.xls"))


def test_peaks_without_curves_are_measured_ones(save) -> None:
    one = [("C1s", 284.8, 1.2, 5000.0, 0.0)]
    sheets = [("C1s Scan", region(fitted=False)), ("Peak Table", table(peaks=one))]
    with pytest.warns(UserWarning, match="no fitted curves in 'C1s Scan': .* were measured"):
        (peaks,) = read_fits(save(xls(sheets), "1.xls"))
    assert peaks.attrs["line_shape"] == "pseudo_voigt"
    assert peaks.fraction.item() == pytest.approx(0.0, abs=1e-6)
    assert peaks.area.item() == pytest.approx(peaks.vendor_area.item(), rel=1e-6)


def test_a_stated_share_is_taken(save) -> None:
    sheets = workbook()
    rows = sheets[1][1]
    rows[1].append("L/G Mix (%) Product")
    for row, share in zip(rows[2:], (30.0, 10.0), strict=True):
        row.append(share)
    (peaks,) = read_fits(save(xls(sheets), "1.xls"))
    np.testing.assert_allclose(peaks.fraction, [0.3, 0.1])


def test_peaks_of_the_survey_and_of_regions_are_kept_apart(save) -> None:
    survey = region(fitted=False)
    rows = table(peaks=[*PEAKS, ("O1s", 531.0, 2.0, 100.0, 0.3), ("C1s", 285.0, 3.0, 900.0, 0.3)])
    rows[-1][16] = "XPS Survey"
    sheets = [("XPS Survey", survey), ("C1s Scan", region()), ("Peak Table", rows)]
    with (
        pytest.warns(UserWarning, match="peak 'O1s' is left out: no sheet"),
        pytest.warns(UserWarning, match="no fitted curves in 'XPS Survey'"),
    ):
        fits = read_fits(save(xls(sheets), "1.xls"))
    assert [(fit.attrs["region"], fit.sizes["peak"]) for fit in fits] == [
        ("survey", 1),
        ("C 1s", 2),
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (vgd(Measurement(counts())), "a workbook with a table of peaks, got another OLE file"),
        (b"PK\x05\x06" + bytes(18), "another kind of file"),
        (changed_names(), "a workbook, got another zip archive"),
    ],
    ids=["vgd", "empty zip", "zip"],
)
def test_other_containers_hold_no_fit(save, data: bytes, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        xpsnet.read_fit(save(data, "1.dat"))


def test_fits_are_found_by_content(save) -> None:
    for written in (xls, xlsx):
        (peaks,) = xpsnet.read_fit(save(written(workbook()), "1.dat"), region="C1s")
        assert peaks.label.values.tolist() == ["C1s Scan A", "C1s Scan B"]


@pytest.mark.parametrize(
    ("sheets", "message"),
    [
        ([("C1s Scan", region())], "got 0 peaks and 1 sheets"),
        ([("Peak Table", table())], "got 2 peaks and 0 sheets"),
        ([("a", [["x"]])], "got 0 peaks and 0 sheets"),
    ],
    ids=["no table", "no spectra", "neither"],
)
def test_a_workbook_without_a_fit_is_refused(save, sheets: Sheets, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        quietly(save(xlsx(sheets), "1.xlsx"))


def test_a_sheet_with_damaged_energies_is_left_out(save) -> None:
    bad = region()
    bad[100][0] = 1.0
    reading = avantage_excel.read(save(xls([("O1s Scan", bad), *workbook()]), "1.xls"))
    assert [s.name for s in reading.spectra] == ["C 1s"]
    assert reading.notes == [
        "sheet 'O1s Scan' is left out: expected energies that rise or fall, got 298, 297.9 ... "
        "275 eV"
    ]
    with pytest.raises(ReadError, match="energies that rise or fall in a sheet"):
        avantage_excel.read(save(xls([("O1s Scan", bad)]), "1.xls"))


def test_several_columns_of_counts_are_a_stack(save) -> None:
    rows = region(fitted=False)
    for row in rows[15:]:
        row[3] = row[2]
    (stack,) = avantage_excel.read(save(xlsx([("C1s Scan", rows)]), "1.xlsx")).spectra
    assert (stack.dims, stack.shape) == (("column", "energy"), (2, 231))


@WRITERS
def test_tables_of_other_programs_are_read(save, written: Written) -> None:
    rows = [["Binding Energy (eV)", "Counts"], *([float(e), 5.0 + i] for i, e in enumerate(ENERGY))]
    path = save(written([("O1s", rows), ("notes", [["nothing", "here"]])]), "1.dat")
    (spectrum,) = avantage_excel.read(path).spectra
    assert (spectrum.name, spectrum.size, spectrum.attrs["scale"]) == ("O 1s", 231, "binding")
    np.testing.assert_array_equal(spectrum, 5.0 + np.arange(231))


@WRITERS
@pytest.mark.parametrize("sheets", [[("a", [])], [("a", [["text"], [1.0]])]], ids=["empty", "text"])
def test_workbooks_without_tables_are_refused(save, written: Written, sheets: Sheets) -> None:
    with pytest.raises(ReadError, match="tables of energies and counts, got none in 1 sheets"):
        avantage_excel.read(save(written(sheets), "1.dat"))


@pytest.mark.parametrize(("package", "written"), [("xlrd", xls), ("openpyxl", xlsx)])
def test_a_missing_package_is_named(save, monkeypatch, package: str, written: Written) -> None:
    path = save(written(workbook()), "1.dat")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ReadError, match=rf'{package}.*pip install "napari-xpsnet\[excel\]"'):
        avantage_excel.read(path)


def changed(changes: dict[str, bytes], sheets: Sheets | None = None) -> bytes:
    """A workbook with parts added or replaced."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(xlsx(sheets or workbook()))) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in {**dict.fromkeys(old.namelist()), **changes}:
            new.writestr(name, changes[name] if name in changes else old.read(name))
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9))
    + b"]><worksheet><sheetData><row><c><v>&j;</v></c></row></sheetData></worksheet>"
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({SHEET: b"0" * (40 << 20)}, "at most 64 MiB unpacked, got 40 MiB, packed"),
        ({SHEET: BOMB}, "plain XML of the stated size, got declarations of entities"),
        ({SHEET: BOMB.decode().encode("utf-16")}, "got declarations of entities"),
        ({"xl/sharedStrings.xml": BOMB}, "got declarations of entities"),
        ({"[Content_Types].xml": BOMB}, "got declarations of entities"),
        ({f"xl/{i}.xml": b"" for i in range(2001)}, "up to 2000 different parts"),
        ({SHEET: b"<a"}, "expected an Excel workbook, got damage"),
        ({"xl/workbook.xml": b""}, "expected an Excel workbook, got damage"),
        ({"[Content_Types].xml": b"<Types/>"}, "expected an Excel workbook, got damage"),
    ],
    ids=["bomb", "entities", "entities in UTF-16", "strings", "types", "parts",
         "broken sheet", "no workbook", "no types"],
)  # fmt: skip
def test_what_may_do_harm_is_refused(save, changes: dict[str, bytes], message: str) -> None:
    with pytest.raises(ReadError, match=message):
        avantage_excel.read(save(changed(changes), "1.xlsx"))


@pytest.mark.parametrize("limit", ["_MAX_PART", "_MAX_UNPACKED"])
def test_large_workbooks_are_refused(save, monkeypatch, limit: str) -> None:
    monkeypatch.setattr(excel, limit, 20_000)
    with pytest.raises(ReadError, match=r"part 'xl/worksheets/sheet1\.xml': .*at most 0 MiB"):
        avantage_excel.read(save(changed({}), "1.xlsx"))


@WRITERS
@pytest.mark.parametrize("limit", ["_MAX_CELLS", "_MAX_SHEETS"])
def test_too_many_cells_are_refused(save, monkeypatch, written: Written, limit: str) -> None:
    monkeypatch.setattr(excel, limit, 1)
    with pytest.raises(ReadError, match=r"expected up to .* cells, got more"):
        avantage_excel.read(save(written(workbook()), "1.dat"))


def test_a_directory_that_lies_about_sizes_is_refused(save) -> None:
    data = bytearray(changed({SHEET: b" " * (30 << 20)}))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = archive.getinfo(SHEET).file_size
    stated = size.to_bytes(4, "little")
    while stated in data:
        at = data.index(stated)
        data[at : at + 4] = (1000).to_bytes(4, "little")
    with pytest.raises(ReadError, match=r"1\.xlsx"):
        avantage_excel.read(save(bytes(data), "1.xlsx"))


def test_links_drawings_and_macros_are_not_touched(save) -> None:
    changes = dict.fromkeys(
        ("xl/styles.xml", "xl/theme/theme1.xml", "xl/externalLinks/externalLink1.xml",
         "xl/drawings/drawing1.xml", "docProps/core.xml", "xl/vbaProject.bin"), BOMB,
    )  # fmt: skip
    (spectrum,) = avantage_excel.read(save(changed(changes), "1.xlsx")).spectra
    assert spectrum.size == 231


@pytest.mark.parametrize(
    "cell", [b'<row r="99999999"><c r="A99999999"><v>1</v></c></row>',
             b'<row r="2"><c r="ZZZZZZ2"><v>1</v></c></row>',
             b'<row r="2"><c r="XFD2"><v>1e999</v></c></row>',
             b'<row r="2"><c t="s"><v>99999999</v></c></row>'],
    ids=["row", "column", "number", "text"],
)  # fmt: skip
def test_cells_in_absurd_places_do_no_harm(save, cell: bytes) -> None:
    space = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = b'<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (space, cell)
    with pytest.raises(ReadError, match=r"1\.xlsx"):
        avantage_excel.read(save(changed({SHEET: sheet}, [("a", [])]), "1.xlsx"))


def test_a_chart_sheet_is_passed_over(save) -> None:
    book = openpyxl.load_workbook(io.BytesIO(xlsx(workbook())))
    chart = book.create_chartsheet("Chart", 0)
    drawing = openpyxl.chart.LineChart()
    drawing.add_data(openpyxl.chart.Reference(book["C1s Scan"], min_col=3, min_row=17, max_row=90))
    chart.add_chart(drawing)
    out = io.BytesIO()
    book.save(out)
    (spectrum,) = avantage_excel.read(save(out.getvalue(), "1.xlsx")).spectra
    assert spectrum.size == 231


@WRITERS
def test_damaged_workbooks_are_refused_or_read(save, written: Written) -> None:
    data = written(workbook())
    random = np.random.default_rng(0)
    ends = set()
    for _ in range(40):
        damaged = bytearray(data)
        for at in random.integers(8, len(data), 3):
            damaged[at] ^= 1 << int(random.integers(8))
        cut = len(data) if random.random() < 0.7 else int(random.integers(8, len(data)))
        path = save(bytes(damaged[:cut]), "1.dat")
        for reads in (avantage_excel.read, quietly):
            try:
                reads(path)
                ends.add("read")
            except ReadError:
                ends.add("refused")
    assert "refused" in ends


def test_a_measured_export_agrees_with_itself(real_data: Path) -> None:
    path = real_data / "thermo" / "1.xls"
    spectra = xpsnet.read(path)
    assert [(s.name, s.size) for s in spectra] == [
        ("survey", 1361), ("O 1s", 201), ("N 1s", 181), ("Cl 2p", 261), ("C 1s", 231),
    ]  # fmt: skip
    sheet = xlrd.open_workbook(str(path)).sheet_by_name("C1s Scan")
    assert spectra[-1].values.tolist() == sheet.col_values(2)[16:]
    for spectrum in spectra:
        assert (spectrum.attrs["scale"], spectrum.attrs["units"]) == ("binding", "counts/s")


def test_a_measured_peak_table_is_read(real_data: Path) -> None:
    path = real_data / "thermo" / "1.xls"
    with pytest.warns(UserWarning, match="no fitted curves in 'O1s Scan', 'N1s Scan'"):
        fits = {fit.attrs["region"]: fit for fit in read_fits(path)}
    found = {name: (fit.center.item(), fit.fwhm.item(), fit.height.item(),
                    fit.vendor_area.item(), fit.atomic_percent.item())
             for name, fit in fits.items()}  # fmt: skip
    assert found == {
        "C 1s": (284.53, 1.58, 162185.0, 356542.12, 74.53),
        "Cl 2p": (199.94, 1.02, 53355.25, 95679.17, 6.92),
        "N 1s": (399.87, 1.16, 19741.79, 31110.12, 4.19),
        "O 1s": (531.17, 1.63, 62196.22, 166073.0, 14.36),
    }
    # The first and the last point lie outside of the window: zeros there are no values.
    carbon = fits["C 1s"]
    assert carbon.attrs["energy_range"] == [275.1, 297.9]
    assert float(carbon.background.min()) > 8000
    spectrum = xpsnet.read_one(path, region="C 1s")
    top = spectrum.sel(energy=284.5, method="nearest")
    drawn = xpsnet.curves(carbon).envelope.sel(energy=284.5, method="nearest")
    assert float(drawn) == pytest.approx(float(top), rel=0.02)
