"""Text and csv: separators, decimals, headers, damaged lines, several tables."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read, read_one, sniff
from xpsnet.io.tables import number_style, number_tables, text
from xpsnet.io.tables.number_style import Dialect

ENERGY = np.round(np.arange(530.0, 534.0, 0.1), 6)
COUNTS = np.round(1000 + 500 * np.exp(-(((ENERGY - 532) / 0.6) ** 2)), 1)


def rows(separator: str = "\t", comma: bool = False, *columns: np.ndarray) -> str:
    """Lines of a table."""
    columns = columns or (ENERGY, COUNTS)
    lines = [separator.join(repr(float(v)) for v in row) for row in zip(*columns, strict=True)]
    text = "\n".join(lines) + "\n"
    return text.replace(".", ",") if comma else text


def _dialects() -> dict[str, str]:
    """The same two columns as many programs would write them."""
    return {
        "tab": "BE\tcounts\n" + rows(),
        "comma": "BE,counts\n" + rows(","),
        "comma and blank": "BE, counts\n" + rows(", "),
        "semicolon": "BE;counts\n" + rows(";"),
        "blanks": "BE counts\n" + rows("   "),
        "comma, blank and tab": "BE counts\n" + rows(" ,\t"),
        "tab, decimal comma": "BE\tcounts\n" + rows("\t", True),
        "semicolon, decimal comma": "BE;counts\n" + rows(";", True),
        "blank, decimal comma": "BE counts\n" + rows(" ", True),
        "quoted": '"BE","counts"\n' + rows(",").replace("53", '"53').replace(",", '",'),
        "exponents": "BE\tcounts\n"
        + "".join(f"{e:.9e}\t{c:.9E}\n" for e, c in zip(ENERGY, COUNTS, strict=True)),
        "Fortran exponents": "BE counts\n"
        + "".join(f"{e:.9e}  {c:.9e}\n".replace("e+", "D+") for e, c in zip(ENERGY, COUNTS)),  # noqa: B905
        "crlf": ("BE\tcounts\n" + rows()).replace("\n", "\r\n"),
        "old mac": ("BE\tcounts\n" + rows()).replace("\n", "\r"),
        "comments": "# BE and counts\n% more\n! and more\n" + rows(),
        "no end of line": "BE\tcounts\n" + rows().rstrip("\n"),
        "trailing separators": "BE\tcounts\t\t\n" + rows().replace("\n", "\t\t\n"),
        "indented": "  BE  counts\n" + "".join("  " + line for line in rows().splitlines(True)),
        "blank lines": "\n\nBE\tcounts\n\n" + rows().replace("\n", "\n\n"),
    }


@pytest.mark.parametrize("dialect", _dialects())
def test_every_dialect_gives_the_same_spectrum(save, dialect: str) -> None:
    (spectrum,) = read(save(_dialects()[dialect], "a.txt"))
    np.testing.assert_array_equal(spectrum.energy, ENERGY)
    np.testing.assert_array_equal(spectrum, COUNTS)
    assert spectrum.attrs["scale"] == "binding"
    assert spectrum.name == "a"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_encodings(save, encoding: str) -> None:
    text = "µ Energie de liaison (é) BE\tcounts\n" + rows()
    (spectrum,) = read(save(text.encode(encoding), "a.csv"))
    np.testing.assert_array_equal(spectrum, COUNTS)
    assert spectrum.attrs["scale"] == "binding"


def test_the_direction_of_the_axis_is_kept(save) -> None:
    (spectrum,) = read(save("BE\tI\n" + rows("\t", False, ENERGY[::-1], COUNTS[::-1]), "a.txt"))
    np.testing.assert_array_equal(spectrum.energy, ENERGY[::-1])


@pytest.mark.parametrize(
    ("header", "attrs"),
    [
        ("BE\tcounts", {"scale": "binding", "units": "counts"}),
        ("Binding Energy (eV)\tCounts / s", {"scale": "binding", "units": "counts/s"}),
        ("Bindungsenergie\tcps", {"scale": "binding", "units": "counts/s"}),
        ("KE\tCPS", {"scale": "kinetic", "units": "counts/s"}),
        ("#E_kin, at BL11, DELTA, hv=180eV", {"scale": "kinetic", "photon_energy": 180.0}),
        ("h\u03bd = 0,73 keV\nkinetic energy\tc", {"scale": "kinetic", "photon_energy": 730.0}),
        ("Photon Energy 1253.6; B.E.\nx\ty", {"scale": "binding", "photon_energy": 1253.6}),
        ("Excitation Energy=520\nBE\ty", {"scale": "binding", "photon_energy": 520.0}),
        ("# Energy Axis: Kinetic Energy\n# (not BE)\nx\ty", {"scale": "kinetic"}),
        ("BE\ty\nAcquisition Time s\t2.5e-1", {"scale": "binding", "dwell_time": 0.25}),
    ],
)
def test_words_in_the_header_are_evidence(save, header: str, attrs: dict[str, object]) -> None:
    (spectrum,) = read(save(header + "\n" + rows(), "a.txt"))
    assert {key: spectrum.attrs.get(key) for key in attrs} == attrs


@pytest.mark.parametrize("header", ["", "x\ty", "Be 1s on beryllium, to be or not", "BE and KE"])
def test_a_scale_that_is_not_stated_is_assumed_with_a_warning(save, header: str) -> None:
    path = save(header + "\n" + rows(), "a.txt")
    with pytest.warns(UserWarning, match=r'not stated, binding energy is assumed; say scale="b'):
        (spectrum,) = read(path)
    assert spectrum.attrs["scale"] == "binding"


@pytest.mark.parametrize(
    ("name", "header", "region"),
    [
        ("XPS_Si2p.csv", "", "Si 2p"),
        ("ITO_O1s_exp.txt", "", "O 1s"),
        ("scan_17.txt", "Region=C1s", "C 1s"),
        ("clean_Au_4f.csv", "measured at BL11", "Au 4f"),
        ("x.txt", "energy\tCycle 0:NiO:O_1s_Sect:CPS", "O 1s"),
        ("scan_17.txt", "no region", "scan_17"),
    ],
)
def test_regions_come_from_the_header_or_the_file_name(
    save, name: str, header: str, region: str
) -> None:
    (spectrum,) = read(save(header + "\n" + rows(), name), scale="binding")
    assert spectrum.name == region


def test_a_wide_table_is_a_stack_over_its_columns(save) -> None:
    text = "B.E.\tclean\toxidized\tannealed\n" + rows(
        "\t", False, ENERGY, *[COUNTS * k for k in (1, 2, 3)]
    )
    (stack,) = read(save(text, "a.txt"))
    assert stack.dims == ("column", "energy")
    assert stack.column.values.tolist() == ["clean", "oxidized", "annealed"]
    np.testing.assert_array_equal(stack.sel(column="annealed"), COUNTS * 3)


def test_a_wide_table_without_labels_numbers_its_columns(save) -> None:
    text = rows("\t", False, ENERGY, COUNTS, COUNTS * 2)
    (stack,) = read(save(text, "a.txt"), scale="binding")
    np.testing.assert_array_equal(stack.column, [1, 2])


@pytest.mark.parametrize(("label", "divisor"), [("Sum", 1), ("Average", 3)])
def test_sweeps_are_scans_without_the_column_of_their_sum(save, label: str, divisor: int) -> None:
    columns = [ENERGY, COUNTS, COUNTS * 2, COUNTS * 3, COUNTS * 6 / divisor]
    head = f"Kinetic Energy\tSweep0\tSweep1\tSweep2\t{label}\n"
    with pytest.warns(UserWarning, match=f"column '{label}' at line 2 is left out"):
        (stack,) = read(save(head + rows("\t", False, *columns), "a.dat"))
    assert stack.dims == ("scan", "energy")
    assert stack.scan.values.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(stack[2], COUNTS * 3)


def test_a_sum_of_something_else_stays(save) -> None:
    head = "Kinetic Energy\tSweep0\tSweep1\tSum\n"
    text = head + rows("\t", False, ENERGY, COUNTS, COUNTS, COUNTS * 5)
    (stack,) = read(save(text, "a.dat"))
    assert stack.column.values.tolist() == ["Sweep0", "Sweep1", "Sum"]


def test_the_energy_column_may_stand_anywhere(save) -> None:
    index = np.arange(ENERGY.size)
    text = "no\tcounts\tBinding Energy\n" + rows("\t", False, index, COUNTS, ENERGY)
    (spectrum,) = read(save(text, "a.txt"))
    np.testing.assert_array_equal(spectrum.energy, ENERGY)
    np.testing.assert_array_equal(spectrum, COUNTS)


def test_two_energy_columns_are_two_spectra(save) -> None:
    kinetic = np.round(1486.6 - ENERGY, 6)
    table = rows("\t", False, kinetic, COUNTS, ENERGY, COUNTS / 2).replace("\t5", "\t\t5")
    kinetic_spectrum, binding_spectrum = read(save("K.E.\tCounts\t\tB.E.\tCPS\n" + table, "a.txt"))
    assert kinetic_spectrum.attrs["scale"] == "kinetic"
    assert binding_spectrum.attrs["units"] == "counts/s"
    np.testing.assert_array_equal(kinetic_spectrum.energy, kinetic)
    np.testing.assert_array_equal(binding_spectrum, COUNTS / 2)


def test_pairs_of_columns_of_different_length(save) -> None:
    lines = rows(",").splitlines()
    long = rows(",", False, ENERGY + 100, COUNTS * 2).splitlines()
    both = [f"{b},{a}" if a else b for a, b in zip([*lines[:20], *[""] * 20], long, strict=True)]
    text = "#legend,Sn3d,O1s\n#Binding Energy\n" + "\n".join(both)
    tin, oxygen = read(save(text, "a.csv"))
    assert (tin.name, oxygen.name) == ("Sn 3d", "O 1s")
    assert (tin.size, oxygen.size) == (40, 20)
    np.testing.assert_array_equal(oxygen, COUNTS[:20])


def test_regions_one_after_the_other(save) -> None:
    carbon = rows("\t", False, ENERGY[:25] - 250, COUNTS[:25])
    path = save("Region O 1s, BE\n" + rows() + "\nRegion C 1s, BE\n" + carbon, "a.txt")
    first, second = read(path)
    assert (first.name, second.name) == ("O 1s", "C 1s")
    assert (first.size, second.size) == (40, 25)
    assert read_one(path, region="C 1s").size == 25


def test_scans_one_after_the_other_without_a_header(save) -> None:
    spectra = read(save("BE\n" + rows() + rows("\t", False, ENERGY, COUNTS + 1), "a.txt"))
    assert len(spectra) == 2
    np.testing.assert_array_equal(spectra[1], COUNTS + 1)


def _damage() -> dict[str, tuple[list[str], int]]:
    """Damaged lines, and how many points are lost."""
    lines = ("BE\tcounts\n" + rows()).splitlines()
    return {
        "a lone number": ([*lines[:20], "88", *lines[20:]], 0),
        "a word": ([*lines[:20], "aborted by user", *lines[20:]], 0),
        "an energy out of order": ([*lines[:20], "999.9\t5", *lines[20:]], 0),
        "a cut line": ([*lines[:20], lines[20][:5], *lines[21:]], 1),
        "a third column": ([*lines[:20], lines[20] + "\t7", *lines[21:]], 1),
    }


@pytest.mark.parametrize("kind", _damage())
def test_damaged_lines_are_left_out_with_a_warning(save, kind: str) -> None:
    lines, n_lost = _damage()[kind]
    with pytest.warns(UserWarning, match=r"a.txt: line 2\d left out"):
        (spectrum,) = read(save("\n".join(lines), "a.txt"))
    kept = np.isin(ENERGY, spectrum.energy)
    assert (~kept).sum() == n_lost
    np.testing.assert_array_equal(spectrum, COUNTS[kept])


def test_missing_values_are_nan(save) -> None:
    lines = ("BE,counts\n" + rows(",")).splitlines()
    for i, word in enumerate(("", "NaN", "-1.#IND", "--", "inf"), start=5):
        lines[i] = lines[i].split(",")[0] + "," + word
    (spectrum,) = read(save("\n".join(lines), "a.csv"))
    assert np.isnan(spectrum.values[4:9]).all()
    assert np.isfinite(spectrum.values[9:]).all()


def test_a_gap_in_the_axis_is_no_damage(save) -> None:
    lines = ("BE\tcounts\n" + rows()).splitlines()
    del lines[20:23]
    (spectrum,) = read(save("\n".join(lines), "a.txt"))
    assert spectrum.size == 37


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "got an empty file"),
        (b"\n\0 \n", "got 4 bytes of nothing but zeros and blanks"),
        (b"one number per line\n" + b"5\n" * 50, "text that begins with 'one number"),
        (b"to be or not to be\n" * 20, "text that begins with 'to be"),
        (b'{"B.E.": [1, 2, 3]}', "got JSON"),
        (b"[[1, 2], [3, 4]]", "got JSON"),
        (b"<table><tr>1 2</tr></table>", "got XML or HTML"),
        (b"1 2\n" * 50, "no column rises or falls"),
        (b"1 2\n2 3\n", "at least 5 rows"),
        (b"1e300 1\n2e300 2\n3e300 1\n4e300 2\n5e300 1\n6e300 2\n", "no column rises or falls"),
        (b"region,peak,center [eV],status_meaning\nO 1s,1,530,ok\n", "a table of peaks"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "got a picture"),
        (b"PK\x03\x04" + bytes(100), "zip archive"),
        (b"SQLite format 3\0" + bytes(100), "a database of SPECS Prodigy"),
        (b"SOFH\nPlatform: x\n", "PHI MultiPak"),
        (b"\x1f\x8b" + bytes(100), "compressed"),
        (b"%PDF-1.7\n", "PDF"),
        (bytes(4200) + bytes(range(1, 9)) * 100, "expected text, got an unknown binary file"),
        (bytes(range(256)) * 20, "unknown binary file that begins with 00 01 02"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value[:20],
)
@pytest.mark.parametrize("name", ["a.vms", "a.txt"])
def test_what_is_no_spectrum_is_refused(save, content: bytes, message: str, name: str) -> None:
    with pytest.raises(ReadError, match=message) as caught:
        read(save(content, name))
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("content", "format_name"),
    [(b"BE\t1\n", "text"), (b"CDF\x01", "netCDF, HDF5 or zarr"), (b"\0\1\2\3", "no spectra")],
)
def test_sniffing_names_the_format(save, content: bytes, format_name: str) -> None:
    assert sniff(save(content, "a.vms")) == format_name


def test_a_large_file_is_refused_before_it_is_read(save) -> None:
    path = save("BE\n" + rows() * 20, "a.txt")
    with path.open("r+b") as file:
        file.truncate(200 << 20)
    with pytest.raises(ReadError, match="at most 128 MiB of this format, got 200 MiB"):
        read(path)


def _absurd() -> dict[str, str]:
    """Tables that no instrument writes, and that would take long to take apart."""
    n = 12_000
    return {
        "words between all rows": "".join(
            f"{i}.5 {i % 7}\n" + "zzz\n" * (i % 5 == 4) for i in range(n)
        ),
        "an axis of seven points, over and over": "".join(f"{i % 7} 1\n" for i in range(n)),
        "energies in no order": "".join(f"{i * 7919 % 100_003} 1\n" for i in range(n)),
        "more columns than rows": ("1," * 20_000 + "1\n") * 6,
    }


@pytest.mark.parametrize("kind", _absurd())
def test_absurd_tables_are_refused(save, kind: str) -> None:
    with pytest.raises(ReadError, match="at least 5 rows of an energy and counts"):
        read(save(_absurd()[kind], "a.txt"))


def test_absurd_headers_do_no_harm(save) -> None:
    header = (
        "wide" + "1" * 5000 + "x\n" + "dwell time" + " " * 50_000 + "[\nhv " * 5000 + "\nBE\tc\n"
    )
    (spectrum,) = read(save(header + rows(), "a.txt"))
    np.testing.assert_array_equal(spectrum, COUNTS)


def test_too_many_lines_are_refused(save, monkeypatch) -> None:
    monkeypatch.setattr("xpsnet.io.common.file_bytes.MAX_LINES", 30)
    with pytest.raises(ReadError, match="text of at most 30 lines, got 41"):
        read(save("BE\n" + rows(), "a.txt"))


def test_too_many_numbers_are_refused(save, monkeypatch) -> None:
    monkeypatch.setattr("xpsnet.io.tables.number_tables._MAX_NUMBERS", 50)
    with pytest.raises(ReadError, match="got more than 50 numbers at line 27; convert it"):
        read(save("BE\n" + rows(), "a.txt"))


def pairs(n: int) -> str:
    """A table of n pairs of columns, energies and counts."""
    return "".join(" ".join([f"{e} 7"] * n) + "\n" for e in range(280, 290))


def wide(n: int) -> str:
    """A table of energies and n columns of counts, each with a label."""
    head = "\t".join(["BE (eV)", *(f"run of day {i}" for i in range(n))])
    return head + "\n" + "".join("\t".join([str(e), *["7,5"] * n]) + "\n" for e in range(280, 290))


def labeled(n: int) -> str:
    """Pairs of columns under long lines of words."""
    words = "".join(f"# line {i}, {'word ' * 20}\n" for i in range(50))
    return words + "\t".join(["BE (eV)\tcounts"] * n) + "\n" + pairs(n).replace(" ", "\t")


def blocks(n: int) -> str:
    """Many small tables."""
    return "".join(f"block {i}\n" + pairs(1) for i in range(n))


class Counted(np.ndarray):  # type: ignore[type-arg]
    """An array that adds up the bytes of what is taken out of it."""

    taken = 0

    def __getitem__(self, key: Any) -> Any:
        """Values, and how many there are."""
        found = super().__getitem__(key)
        Counted.taken += getattr(found, "nbytes", 0)
        return found


@pytest.mark.filterwarnings("ignore:.*the energy scale is not stated")
@pytest.mark.parametrize("table", [pairs, wide, labeled, blocks])
def test_the_work_grows_with_the_size_of_a_table(
    save,
    monkeypatch: pytest.MonkeyPatch,
    n_calls: Callable[[Callable[[], object]], int],
    table: Callable[[int], str],
) -> None:
    def find_tables(content: str) -> Any:
        tables, stray = number_tables.find_tables(content)
        for one in tables:
            one.values = one.values.view(Counted)
        return tables, stray

    monkeypatch.setattr(text, "find_tables", find_tables)
    calls, taken = [], []
    for n in (25, 50, 100):
        path = save(table(n), "a.txt")
        read(path)
        Counted.taken = 0
        calls.append(n_calls(lambda path=path: read(path)))
        taken.append(Counted.taken)
    # Fifty more cost twice what 25 more do; where the work is quadratic four times.
    for few, more, many in (calls, taken):
        assert many - more <= 2.5 * (more - few)


@pytest.mark.parametrize("table", [pairs, labeled, blocks])
def test_more_spectra_than_anyone_wants_are_refused(
    save, monkeypatch: pytest.MonkeyPatch, table: Callable[[int], str]
) -> None:
    monkeypatch.setattr(text, "_MAX_SPECTRA", 10)
    with pytest.raises(ReadError, match=r"expected at most 10 spectra, got .*line \d+.*; put the"):
        read(save(table(11), "a.txt"))
    assert len(read(save(table(10), "a.txt"), scale="binding")) == 10


def test_a_column_that_starts_anew_too_often_is_refused(
    save, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "_MAX_SPECTRA", 10)
    with pytest.raises(ReadError, match="got more at line 1, whose energies start anew"):
        read(save(pairs(1) * 11, "a.txt"))


def test_a_table_of_empty_cells_is_refused_before_it_is_filled(
    save, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number_tables, "_MAX_CELLS", 1000)
    head = "Binding energy [eV]" + ",C 1s [counts]" * 200 + "\n"
    with pytest.raises(ReadError, match="10 rows of 201 columns at line 2, most of them empty"):
        read(save(head + "".join(f"{e},7\n" for e in range(280, 290)), "a.csv"))


@pytest.mark.parametrize("separator", ["\t", ";", "blank"])
def test_the_fast_way_with_decimal_commas_takes_what_the_slow_one_does(
    monkeypatch: pytest.MonkeyPatch, separator: str
) -> None:
    cells = ["1", "1,5", ",5", "1,", "-2,5e3", "+7", "1,5D3", "1.5", "1,2,3", "1_0", "nan", "inf",
             "", "-", "x", "1e5", "1,e5", "--1", "Infinity"]  # fmt: skip
    dialect = Dialect(separator, ",")
    sign = " " if separator == "blank" else separator
    lines = [f"280,1{sign}{cell}{sign}7" for cell in cells]
    fast = [repr(dialect.row(line)) for line in lines]
    monkeypatch.setattr(number_style, "_NOT_PLAIN_COMMA", re.compile(""))
    assert [repr(dialect.row(line)) for line in lines] == fast
