"""Zip archives: the DA30 analyzer's are read, workbooks handed on, all others refused unharmed."""

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from xpsnet.io import zip_archive
from xpsnet.io.common.errors import ReadError
from xpsnet.io.common.reading import Reading
from xpsnet.io.read import read, sniff
from xpsnet.io.thermo import avantage_excel

SHAPE = (1, 5, 40)


def counts(shape=SHAPE, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(9.0, 2.0, shape).astype("<f4")


def archive(members: dict[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def layout(shape=SHAPE, **changes: str) -> str:
    settings = {"name": "Ag3d", "byteorder": "1234"}
    labels = ("Thetay [deg]", "Thetax [deg]", "Kinetic Energy [eV]")
    starts, steps = (-1.0, -6.0, 1100.0), (1.0, 3.0, 0.1)
    for key, n, label, start, step in zip(
        ("depth", "height", "width"), shape, labels, starts, steps, strict=True
    ):
        settings |= {key: str(n), f"{key}offset": str(start), f"{key}delta": str(step)}
        settings[f"{key}label"] = label
    settings |= changes
    lines = [f"{key}={value}" for key, value in settings.items() if value != "absent"]
    return "\r\n".join(["[spectrum]", *lines, ""])


SETTINGS = """[SES]
Version=1.5.1
Region Name=Ag3d
Lens Mode=DA14_01
Pass Energy=20
Number of Sweeps=3
Excitation Energy=1486.6
Energy Scale=Kinetic
Acquisition Mode=Swept
[Manipulator]
X=1.25
A=30
"""


def da30(shape=SHAPE, folder: str = "", name: str = "Ag3d", **changes: str) -> dict[str, bytes]:
    return {
        f"{folder}viewer.ini": b"[viewer]\r\nregion_list=Ag3d\r\n",
        f"{folder}Spectrum_{name}.ini": layout(shape, **changes).encode(),
        f"{folder}Spectrum_{name}.bin": counts(shape).tobytes(),
        f"{folder}{name}.ini": SETTINGS.encode(),
    }


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("folder", ["", "run 1/"])
def test_an_image_of_the_da30_is_read_to_the_number(save, folder: str, method: int) -> None:
    path = save(archive(da30(folder=folder), method), "a.zip")
    assert sniff(path) == zip_archive.NAME
    (stack,) = read(path)
    assert (stack.name, stack.dims) == ("Ag 3d", ("angle", "energy"))
    np.testing.assert_array_equal(stack, counts()[0])
    np.testing.assert_allclose(stack.energy, 1100.0 + 0.1 * np.arange(40))
    np.testing.assert_allclose(stack.angle, -6.0 + 3.0 * np.arange(5))
    expected = {"scale": "kinetic", "photon_energy": 1486.6, "pass_energy": 20.0, "n_scans": 3}
    assert {key: stack.attrs[key] for key in expected} == expected
    assert (float(stack.x), float(stack.manipulator_a)) == (1.25, 30.0)
    stack[0, 0] = 5.0  # writable
    (spectrum,) = read(path, sum_over="angle")
    np.testing.assert_allclose(spectrum, counts()[0].sum(0, dtype=float), rtol=1e-12)


def test_a_deflected_image_has_two_angles(save) -> None:
    (cube,) = read(save(archive(da30((3, 5, 40)))))
    assert cube.dims == ("angle_y", "angle", "energy")
    np.testing.assert_array_equal(cube, counts((3, 5, 40)))
    (spectrum,) = read(save(archive(da30((3, 5, 40)))), sum_over=("angle", "angle_y"))
    assert spectrum.attrs["n_summed"] == 15


def test_a_bad_region_is_left_out_with_a_warning(save) -> None:
    members = da30() | da30(name="C1s")
    members["Spectrum_C1s.bin"] = members["Spectrum_C1s.bin"][:-4]
    with pytest.warns(UserWarning, match="region 'C1s' is left out: expected 800 bytes"):
        (spectrum,) = read(save(archive(members)))
    assert spectrum.name == "Ag 3d"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"width": "absent"}, "expected a width of at least 1"),
        ({"width": "1e9"}, "expected a width of at least 1"),
        ({"width": "100000", "height": "100000"}, "images of at most 512 MiB"),
        ({"widthdelta": "0"}, "expected at least 2 energies, got 0"),
        ({"widthoffset": "1e30"}, "expected energies below 100 keV"),
        ({"height": "-5"}, "expected a height of at least 1"),
    ],
    ids=str,
)
def test_absurd_settings_are_refused(save, changes: dict[str, str], reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        read(save(archive(da30(**changes))))


def test_a_missing_list_of_settings_is_named(save) -> None:
    members = da30()
    del members["Spectrum_Ag3d.ini"]
    with pytest.raises(ReadError, match=r"'Spectrum_Ag3d\.ini' is missing"):
        read(save(archive(members)))


def test_workbooks_go_to_their_reader(save, monkeypatch) -> None:
    reading = Reading([])
    asked = []
    monkeypatch.setattr(avantage_excel, "read", lambda path, columns: asked.append(path) or reading)
    path = save(archive({"xl/workbook.xml": "<workbook/>"}), "a.xlsx")
    assert zip_archive.read(path) is reading
    assert asked == [path]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"word/document.xml": "x"}, "got a Word document; save the table as csv"),
        ({"a.vms": "x", "b.vms": "y"}, r"got a zip archive with 2 files: 'a\.vms', 'b\.vms'; unp"),
        ({}, "got an empty archive; unpack it"),
    ],
    ids=["word", "files", "empty"],
)
def test_other_archives_are_refused_with_advice(save, members, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        read(save(archive(members)))


def test_a_bomb_is_refused_from_its_directory(save) -> None:
    members = da30((1, 1000, 20_000))
    members["Spectrum_Ag3d.bin"] = bytes(80_000_000)
    path = save(archive(members))
    assert path.stat().st_size < 200_000
    tracemalloc.start()
    with pytest.raises(ReadError, match="looks like a zip bomb: do not unpack it"):
        read(path)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_a_member_that_lies_about_its_size_is_not_unpacked_further(save) -> None:
    members = da30()
    members["Spectrum_Ag3d.bin"] = bytes(10_000_000)
    data = bytearray(archive(members))
    name = b"Spectrum_Ag3d.bin"
    directory = data.rindex(name) - 46
    assert data[directory : directory + 4] == b"PK\x01\x02"
    struct.pack_into("<I", data, directory + 24, 800)
    tracemalloc.start()
    with pytest.raises(ReadError, match=r"'Ag3d' is left out: .* is damaged"):
        read(save(bytes(data)))
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_an_archive_in_an_archive_is_not_opened(save) -> None:
    inner = archive(da30())
    with pytest.raises(ReadError, match="got a zip archive with 1 files"):
        read(save(archive({"a.zip": inner})))


def test_names_that_lead_out_of_the_folder_write_nothing(save, tmp_path) -> None:
    members = {f"../../{name}": content for name, content in da30().items()}
    before = sorted(tmp_path.iterdir())
    (stack,) = read(save(archive(members)))
    assert stack.dims == ("angle", "energy")
    assert sorted(tmp_path.iterdir()) == [*before, tmp_path / "file.vms"]


def test_too_many_members_are_refused_from_the_directory(save) -> None:
    data = bytearray(archive({"a": "b"}))
    struct.pack_into("<H", data, data.rindex(b"PK\x05\x06") + 10, 20_000)
    with pytest.raises(ReadError, match="at most 10000 members"):
        read(save(bytes(data)))


@pytest.mark.parametrize("n_bytes", [4, 100, 500])
def test_an_archive_that_is_cut_off_is_refused(save, n_bytes: int) -> None:
    with pytest.raises(ReadError, match=r"whose end is missing: the file was cut off, .*; copy or"):
        read(save(archive(da30())[:n_bytes]))


def test_encrypted_members_are_refused(save) -> None:
    data = bytearray(archive(da30()))
    at = -1
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        data[at + 8] |= 1
    with pytest.raises(ReadError, match="is encrypted: unpack the archive with its password"):
        read(save(bytes(data)))
