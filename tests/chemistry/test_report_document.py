"""Reports: complete, the same in every format, and never over another file."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.chemistry.report_document import abbe
from xpsnet.chemistry.report_formats import Facts, Heading, Rows, markdown, page, plain
from xpsnet.numerics.noise import interval_reach
from xpsnet.samples import sample_truth

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def spectrum() -> xr.DataArray:
    return xpsnet.sample("spectrum").assign_attrs(source_file="/data/run 7/C1s.vms")


@pytest.fixture(scope="module")
def fitted(spectrum: xr.DataArray) -> xr.Dataset:
    start = sample_truth("spectrum")
    constraints = {"fwhm_1": (0.5, 2.0), "fwhm_2": "fwhm_1", "center_3": 288.9}
    return xpsnet.refine(
        spectrum, start, background="shirley", constraints=constraints, shared=("fraction",)
    )


@pytest.fixture(scope="module")
def text(spectrum: xr.DataArray, fitted: xr.Dataset, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("report") / "fit.txt"
    xpsnet.report(spectrum, fitted, path)
    return path.read_text(encoding="utf-8")


def fact(text: str, name: str) -> str:
    """Value of a line of facts, without its line ends."""
    found = re.search(rf"^{re.escape(name)}  +(.*(?:\n +.*)*)", text, re.MULTILINE)
    assert found, name
    return " ".join(found[1].split())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Region", "C 1s"),
        ("File", "C1s.vms"),
        ("Energy scale", "binding energy"),
        ("Measured range", "280.00 to 294.00 eV, 281 points, step 0.05 eV"),
        ("Photon energy", "1486.6 eV"),
        ("Pass energy", "20 eV"),
        ("X-ray source", "not stated"),
        ("Charge reference", "not stated"),
        ("Fit", "least squares, every point weighted with its noise"),
        ("Kind", "shirley"),
        ("Range", "280.00 to 294.00 eV"),
        ("All peaks", "pseudo-voigt lines"),
        ("The same for all peaks of a spectrum", "Lorentzian share"),
        ("Points in the range", "281"),
    ],
)
def test_what_was_measured_and_how_it_was_fitted(text: str, name: str, value: str) -> None:
    assert fact(text, name) == value


def test_constraints_are_in_words(text: str) -> None:
    rows = [line.split() for line in text.splitlines()]
    assert ["1", "FWHM", "at", "least", "0.5,", "at", "most", "2", "eV"] in rows
    assert ["2", "FWHM", "linked:", "=", "fwhm_1"] in rows
    assert ["3", "center", "held", "at", "288.9", "eV"] in rows


def test_parameters_have_their_errors_and_interval(text: str, fitted: xr.Dataset) -> None:
    row = next(line for line in text.splitlines() if re.match(r"1 .* ± ", line))
    value, error = re.search(r"(28\S+) ± (\S+)", row).groups()
    assert float(value) == pytest.approx(float(fitted["center"][0]), abs=float(error) / 10)
    assert float(error) == pytest.approx(float(fitted["center_stderr"][0]), rel=0.05)
    held = next(line for line in text.splitlines() if re.match(r"3 .* ± ", line))
    assert "288.9 " in held
    assert "288.9 ±" not in held
    shares = 100 * fitted["area"].values / fitted["area"].values.sum()
    assert row.split()[-1] == f"{shares[0]:.1f}"
    reach = interval_reach(float(fitted["dof_noise"]), 0.95)
    assert f"value ± {reach:.2f} x standard error" in " ".join(text.split())


def test_residual_and_noise(text: str, spectrum: xr.DataArray, fitted: xr.Dataset) -> None:
    assert fact(text, "Reduced chi-square") == f"{float(fitted['redchi']):.3g}"
    rest = xpsnet.residual(spectrum, fitted)["residual"].values
    assert fact(text, "Abbe criterion of the residual").startswith(f"{float(abbe(rest)):.2f} (1")
    gain = float(fitted.attrs["noise_gain"])
    assert f"+ {gain:.4g} x smoothed counts" in fact(text, "Model of the noise")


def test_software_is_named_with_versions(text: str) -> None:
    assert fact(text, "Report written with napari-xpsnet") == xpsnet.__version__
    assert fact(text, "numpy") == np.__version__


def test_abbe_criterion() -> None:
    noise = np.random.default_rng(1).normal(size=100_000)
    smooth = np.sin(np.linspace(0, 6, 1000))
    assert abbe(noise) == pytest.approx(1.0, abs=0.02)
    assert abbe(smooth) < 1e-3
    assert abbe(np.tile([1.0, -1.0], 500)) == pytest.approx(2.0, rel=2e-3)
    assert abbe([1.0, np.nan, 2.0, 4.0]) == pytest.approx(0.5 * (1 + 4) / (14 / 3))
    np.testing.assert_array_equal(np.isnan(abbe([[3.0, 3.0, 3.0], [1.0, 2.0, np.nan]])), True)


def test_figure_is_beside_markdown_and_text(
    spectrum: xr.DataArray, fitted: xr.Dataset, tmp_path: Path
) -> None:
    xpsnet.report(spectrum, fitted, tmp_path / "C 1s.MD")
    assert {file.name for file in tmp_path.iterdir()} == {"C 1s.MD", "C 1s.png"}
    assert (tmp_path / "C 1s.png").read_bytes().startswith(PNG)
    assert "](<C 1s.png>)" in (tmp_path / "C 1s.MD").read_text(encoding="utf-8")


class _Tags(HTMLParser):
    """Counts the tags of a page, and sees that each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.images: list[str] = []

    def handle_starttag(self, tag: str, attrs) -> None:
        self.seen.append(tag)
        if tag == "img":
            self.images.append(dict(attrs)["src"])
        elif tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_is_one_file(spectrum: xr.DataArray, fitted: xr.Dataset, tmp_path: Path) -> None:
    named = spectrum.rename("<C> & 1s")
    xpsnet.report(named, fitted, tmp_path / "fit.html")
    assert [file.name for file in tmp_path.iterdir()] == ["fit.html"]
    written = (tmp_path / "fit.html").read_text(encoding="utf-8")
    tags = _Tags()
    tags.feed(written)
    assert tags.open == []
    (image,) = tags.images
    assert base64.b64decode(image.partition("base64,")[2]).startswith(PNG)
    assert "&lt;C&gt; &amp; 1s" in written
    assert "http" not in written  # nothing is loaded from elsewhere


def test_every_format_says_the_same() -> None:
    blocks = [
        Heading(1, "Title | of *C 1s*"),
        Facts([("Name", "value_1 | <b>")]),
        Rows(("peak", "center"), [("1 C|O", "284.8 ± 0.1")]),
        "A sentence.",
    ]
    marked, written, text = markdown(blocks), page(blocks), plain(blocks)
    assert marked.splitlines()[0] == r"# Title \| of \*C 1s\*"
    assert r"- Name: value_1 \| \<b\>" in marked
    assert r"| 1 C\|O | 284.8 ± 0.1 |" in marked
    assert "<td>value_1 | &lt;b&gt;</td>" in written
    assert text.splitlines()[1] == "=" * len("Title | of *C 1s*")
    assert "1 C|O  284.8 ± 0.1" in text


def test_several_regions_and_maps_in_one_report(
    spectrum: xr.DataArray, fitted: xr.Dataset, tmp_path: Path
) -> None:
    spectra = xpsnet.sample("map").isel(y=slice(0, 3), x=slice(0, 2))
    start = sample_truth("map").isel(y=slice(0, 3), x=slice(0, 2))
    peaks = xpsnet.refine(spectra, start, background="shirley")
    path = tmp_path / "all.txt"
    xpsnet.report([spectra, spectrum], [peaks, fitted], path)
    files = {file.name for file in tmp_path.iterdir()}
    assert files == {"all.txt", "all_1.png", "all_2.png"}
    text = path.read_text(encoding="utf-8")
    assert fact(text, "Spectra") == "3 along y, 2 along x"
    assert fact(text, "Reduced chi-square").endswith("median of all spectra")
    middle = np.nanmedian(peaks["center"].values[..., 0])
    row = next(line for line in text.splitlines() if re.match(r"1\b.*\[.*\]", line))
    assert float(re.search(r"28\d\.\d+", row)[0]) == pytest.approx(middle, abs=0.01)


def test_what_is_not_a_fit_is_called_so(spectrum: xr.DataArray, fitted, tmp_path: Path) -> None:
    path = tmp_path / "fit.txt"
    xpsnet.report(spectrum, xpsnet.predict(spectrum), path)
    text = path.read_text(encoding="utf-8")
    assert "nothing was fitted by least squares" in fact(text, "Fit").replace("\n", " ")
    moved = xpsnet.change_peak(fitted, 1, center=285.0)
    xpsnet.report(spectrum, moved, path, overwrite=True)
    text = path.read_text(encoding="utf-8")
    assert fact(text, "Fit") == "changed by hand after the last fit, and not fitted since"


def test_a_row_that_is_off_is_named_and_left_out(
    spectrum: xr.DataArray, fitted: xr.Dataset, tmp_path: Path
) -> None:
    off = xpsnet.change_peak(fitted, 3, enabled=False)
    xpsnet.report(spectrum, off, tmp_path / "fit.txt")
    text = (tmp_path / "fit.txt").read_text(encoding="utf-8")
    assert fact(text, "Switched off, not part of the fit") == "peak 3"


def test_no_peak_at_all(spectrum: xr.DataArray, fitted: xr.Dataset, tmp_path: Path) -> None:
    none = xpsnet.remove_peak(xpsnet.remove_peak(xpsnet.remove_peak(fitted, 3), 2), 1)
    xpsnet.report(spectrum, none, tmp_path / "fit.txt")
    assert "There is no peak." in (tmp_path / "fit.txt").read_text(encoding="utf-8")


def test_kinetic_energies_are_called_so(spectrum: xr.DataArray, tmp_path: Path) -> None:
    kinetic = xpsnet.to_kinetic(spectrum)
    xpsnet.report(kinetic, xpsnet.predict(kinetic), tmp_path / "fit.txt")
    text = (tmp_path / "fit.txt").read_text(encoding="utf-8")
    assert fact(text, "Fitted range") == "1192.60 to 1206.60 eV (kinetic energy)"


def test_nothing_is_overwritten_unasked(spectrum, fitted, tmp_path: Path) -> None:
    (tmp_path / "fit.png").write_text("mine")
    with pytest.raises(FileExistsError, match=r"fit.png, which exists; choose another name"):
        xpsnet.report(spectrum, fitted, tmp_path / "fit.md")
    assert [file.name for file in tmp_path.iterdir()] == ["fit.png"]
    assert (tmp_path / "fit.png").read_text() == "mine"
    xpsnet.report(spectrum, fitted, tmp_path / "fit.md", overwrite=True)
    with pytest.raises(FileExistsError, match=r"fit.md, which exists"):
        xpsnet.report(spectrum, fitted, tmp_path / "fit.md")


def test_refusals(spectrum: xr.DataArray, fitted: xr.Dataset, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"one of .md, .html, .htm, .txt, got 'fit.pdf'"):
        xpsnet.report(spectrum, fitted, tmp_path / "fit.pdf")
    with pytest.raises(FileNotFoundError, match="expected an existing folder"):
        xpsnet.report(spectrum, fitted, tmp_path / "none" / "fit.md")
    with pytest.raises(ValueError, match="got 2 arrays of spectra and 1 of peaks"):
        xpsnet.report([spectrum, spectrum], [fitted], tmp_path / "fit.md")
    assert list(tmp_path.iterdir()) == []


def test_a_fit_of_another_program_is_called_so(spectrum: xr.DataArray, tmp_path: Path) -> None:
    theirs = sample_truth("spectrum").assign_attrs(model="CasaXPS", casa_region="* C 1s *")
    theirs.attrs.pop("model_version", None)
    theirs = theirs.drop_vars([name for name in theirs if name.endswith(("_stderr", "_spread"))])
    xpsnet.report(spectrum, theirs, tmp_path / "fit.txt")
    text = (tmp_path / "fit.txt").read_text(encoding="utf-8")
    assert fact(text, "Source") == "CasaXPS"
    assert "not fitted here" in fact(text, "Fit")
    assert "The source of these peaks states no errors." in text
    assert fact(text, "casa_region") == "* C 1s *"


def test_a_short_report_has_what_a_reader_needs(
    spectrum: xr.DataArray, fitted: xr.Dataset, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "short.txt"
    xpsnet.report(spectrum, fitted, path, detail="short")
    short = path.read_text(encoding="utf-8")
    assert len(short) < 0.7 * len(text)
    for words in ("shirley", "pseudo-voigt lines", "linked: = fwhm_1", "Reduced chi-square",
                  "Fitted range", f"{float(fitted['center'][0]):.2f}"):  # fmt: skip
        assert words in short, words
    assert "Averaging at the ends" not in short
    with pytest.raises(ValueError, match="detail"):
        xpsnet.report(spectrum, fitted, tmp_path / "other.txt", detail="brief")
