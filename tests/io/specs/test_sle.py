"""SPECS Prodigy databases, by a writer of the documented layout; databases that do harm."""

import hashlib
import sqlite3
import tracemalloc
import zlib

import numpy as np
import pytest
from sle_writer import ENERGY, PASS, START, STEP, N, Spectrum, sle

from xpsnet import to_binding
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read, sniff
from xpsnet.io.specs.sle import NAME

TRACE = "Loop=0u, Scan [Idx]=0u"


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(300, shape or (N, 1, 1)).astype(float)


def one(**more) -> Spectrum:
    return Spectrum([(TRACE, numbers())], **more)


def test_a_spectrum_is_read_to_the_number(tmp_path) -> None:
    path = sle(tmp_path / "a.sle", [one()])
    assert sniff(path) == NAME
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    (spectrum,) = read(path)
    assert (spectrum.name, spectrum.dims) == ("C 1s", ("energy",))
    np.testing.assert_array_equal(spectrum, numbers().ravel())
    np.testing.assert_allclose(spectrum.energy, ENERGY)
    expected = {
        "scale": "kinetic",
        "units": "counts",
        "photon_energy": 1486.61,
        "pass_energy": 20.0,
        "dwell_time": 1.0,
        "n_scans": 1,
        "technique": "XPS",
        "lens_mode": "LargeArea",
        "group": "as loaded",
        "acquired": "2024-02-29T12:30:01",
        "region_original": "C1s",
    }
    assert {key: spectrum.attrs.get(key) for key in expected} == expected
    # Neither the file nor its folder has changed: no journal, no lock.
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert list(tmp_path.iterdir()) == [path]
    # The work function is within the kinetic energies already.
    assert float(to_binding(spectrum).energy[0]) == pytest.approx(1486.61 - START)


@pytest.mark.parametrize("dtype", ["<f8", "<f4", "<i2"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("pieces", [1, 4])
def test_numbers_of_all_kinds_and_in_pieces(tmp_path, dtype: str, packed: bool, pieces: int):
    path = sle(tmp_path / "a.sle", [one()], dtype=dtype, packed=packed, pieces=pieces)
    (spectrum,) = read(path)
    np.testing.assert_array_equal(spectrum, numbers().ravel())


def test_the_detectors_are_put_together(tmp_path) -> None:
    shifts = np.array([-0.07, -0.035, 0.0, 0.035, 0.07])
    head = 28  # 0.07 x 20 eV / 0.05 eV
    samples = numbers(N + 2 * head, 5, 1)
    path = sle(tmp_path / "a.sle", [Spectrum([(TRACE, samples)])], shifts=shifts.tolist())
    (spectrum,) = read(path)
    expected = sum(
        samples[[round((e - START - s * PASS) / STEP) + head for e in ENERGY], d, 0]
        for d, s in enumerate(shifts)
    )
    np.testing.assert_array_equal(spectrum, expected)


def test_a_detector_with_two_dimensions_keeps_its_slices(tmp_path) -> None:
    path = sle(tmp_path / "a.sle", [Spectrum([(TRACE, numbers(N, 1, 7))])])
    (stack,) = read(path)
    assert stack.dims == ("slice", "energy")
    np.testing.assert_array_equal(stack, numbers(N, 1, 7)[:, 0].T)
    (spectrum,) = read(path, sum_over="slice")
    np.testing.assert_array_equal(spectrum, numbers(N, 1, 7).sum((1, 2)))


def test_a_snapshot_sees_all_energies_at_once(tmp_path) -> None:
    shot = Spectrum([(TRACE, numbers(1, N, 1))], mode="SnapshotFAT")
    (spectrum,) = read(sle(tmp_path / "a.sle", [shot]))
    np.testing.assert_array_equal(spectrum, numbers(1, N, 1).ravel())


def test_loops_and_scans_are_dimensions(tmp_path) -> None:
    places = [(i, j, k) for i in range(4) for j in range(3) for k in range(2)]
    scans = [
        (f"Loop={i}u, Ramping Iteration [Idx]={j}u, Scan [Idx]={k}u", numbers(seed=n))
        for n, (i, j, k) in enumerate(places)
    ]
    (stack,) = read(sle(tmp_path / "a.sle", [Spectrum(scans)]))
    assert stack.dims == ("loop", "iteration", "scan", "energy")
    assert stack.shape == (4, 3, 2, N)
    np.testing.assert_array_equal(stack[3, 2, 1], numbers(seed=23).ravel())
    assert stack.attrs["n_scans"] == 1


def test_scans_without_a_trace_are_a_stack(tmp_path) -> None:
    scans = [("", numbers(seed=i)) for i in range(3)]
    (stack,) = read(sle(tmp_path / "a.sle", [Spectrum(scans)]))
    assert (stack.dims, stack.shape) == (("scan", "energy"), (3, N))


@pytest.mark.parametrize(
    ("settings", "scale", "first", "last"),
    [
        ({"Ekin": START, "End": START + 3.0, "NumValues": N}, "kinetic", START, START + 3.0),
        ({"Ebin": 295.0, "End": 292.0, "NumValues": N}, "binding", 295.0, 292.0),
    ],
    ids=["kinetic", "binding"],
)
def test_without_parameters_the_schedule_tells_the_energies(
    tmp_path, settings, scale: str, first: float, last: float
) -> None:
    path = sle(tmp_path / "a.sle", [one(parameters=None, settings=settings)])
    (spectrum,) = read(path)
    assert spectrum.attrs["scale"] == scale
    assert (float(spectrum.energy[0]), float(spectrum.energy[-1])) == pytest.approx((first, last))


@pytest.mark.parametrize(
    ("factor", "units"), [(1.0, "counts"), (5.0, "counts/s")], ids=["counts", "rates"]
)
def test_the_numbers_tell_whether_they_are_rates(tmp_path, factor: float, units: str) -> None:
    values = factor * numbers()
    spectrum = Spectrum([(TRACE, values)], parameters={"DwellTime": 0.2})
    (found,) = read(sle(tmp_path / "a.sle", [spectrum]))
    assert found.attrs["units"] == units
    np.testing.assert_array_equal(found, values.ravel())


def test_units_that_nothing_tells_are_assumed_with_a_warning(tmp_path) -> None:
    values = Spectrum([(TRACE, 1.2345 * numbers())])
    with pytest.warns(UserWarning, match="whether these are counts or counts/s; counts are"):
        (found,) = read(sle(tmp_path / "a.sle", [values]))
    assert found.attrs["units"] == "counts"


TRANSMISSION = np.linspace(2.0, 1.0, N)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("pieces", [1, 2])
def test_the_transmission_is_a_coordinate(tmp_path, pieces: int, packed: bool) -> None:
    parts = np.array_split(TRANSMISSION, pieces)
    scans = [("Scan=0u", numbers()), ("Scan=1u", numbers(seed=1))]
    path = sle(tmp_path / "a.sle", [Spectrum(scans, transmission=parts), one()], packed=packed)
    stack, other = read(path)
    assert stack.transmission.dims == ("energy",)
    np.testing.assert_array_equal(stack.transmission, TRANSMISSION)
    assert "transmission" not in other.coords


def test_slices_have_their_own_transmission(tmp_path) -> None:
    table = TRANSMISSION[:, None] * np.arange(1.0, 4.0)
    slices = Spectrum([(TRACE, numbers(N, 1, 3))], transmission=[table])
    (stack,) = read(sle(tmp_path / "a.sle", [slices]))
    assert stack.transmission.dims == ("slice", "energy")
    np.testing.assert_array_equal(stack.transmission, table.T)


def test_a_transmission_without_information_is_none(tmp_path) -> None:
    (spectrum,) = read(sle(tmp_path / "a.sle", [one(transmission=[np.ones(N)])]))
    assert "transmission" not in spectrum.coords


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (TRANSMISSION[:-1], "expected 61 numbers, one for each energy, got 60"),
        (np.where(TRANSMISSION > 1.5, np.nan, 1.0), "expected numbers, got some that are none"),
        (TRANSMISSION.astype("<c16"), "expected 61 numbers, got 976 bytes"),
    ],
    ids=["short", "not a number", "odd size"],
)
def test_a_damaged_transmission_leaves_the_counts(tmp_path, bad, reason: str) -> None:
    with pytest.warns(UserWarning, match=f"the transmission of 'C1s' is left out: {reason}"):
        (spectrum,) = read(sle(tmp_path / "a.sle", [one(transmission=[bad])]))
    assert "transmission" not in spectrum.coords
    np.testing.assert_array_equal(spectrum, numbers().ravel())


RATIO = {"mode": "FixedRetardingRatio", "parameters": {"ScanMode": "FixedRetardingRatio"}}


def test_a_retarding_ratio_is_no_pass_energy(tmp_path) -> None:
    (spectrum,) = read(sle(tmp_path / "a.sle", [one(**RATIO)]))
    assert "pass_energy" not in spectrum.attrs
    assert spectrum.attrs["retarding_ratio"] == PASS


def test_several_detectors_at_a_fixed_ratio_are_left_out_with_a_warning(tmp_path) -> None:
    samples = Spectrum([(TRACE, numbers(N, 3, 1))], "bad", **RATIO)
    path = sle(tmp_path / "a.sle", [samples, one()], shifts=(-0.07, 0.0, 0.07))
    with pytest.warns(UserWarning, match="several detectors at a fixed retarding ratio: .* .xy"):
        (spectrum,) = read(path)
    assert spectrum.name == "C 1s"


def test_external_channels_are_named_in_a_warning(tmp_path) -> None:
    more = ["INSERT INTO ExtensionChannelInfo VALUES (103, 1, 'Ring Current [mA]')"]
    with pytest.warns(UserWarning, match="external channels are left out: 'Ring Current"):
        (spectrum,) = read(sle(tmp_path / "a.sle", [one()], more=more))
    np.testing.assert_array_equal(spectrum, numbers().ravel())


def test_what_was_planned_and_not_measured_is_passed_over(tmp_path) -> None:
    (spectrum,) = read(sle(tmp_path / "a.sle", [Spectrum([], name="O1s"), one()]))
    assert spectrum.name == "C 1s"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Spectrum([(TRACE, numbers())], "bad", "FixedEnergies"), "FixedEnergies has no axis"),
        (one(name="bad", parameters={"ValuesPerCurve": 1e12}), "a start, a step and points"),
        (one(name="bad", parameters={"ScanDelta": 0}), "a start, a step and points"),
        (one(name="bad", parameters={"KineticEnergy": 1e99}), "expected energies below 100 keV"),
        (Spectrum([(TRACE, numbers(N, 5, 1))], "bad"), "calibration of 5 detectors, got 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_spectrum_is_left_out_with_a_warning(tmp_path, bad: Spectrum, reason: str) -> None:
    with pytest.warns(UserWarning, match=f"'?bad'? is left out: .*{reason}|none of its scans"):
        (spectrum,) = read(sle(tmp_path / "a.sle", [bad, one()]))
    assert spectrum.name == "C 1s"


@pytest.mark.parametrize("shift", [1e308, -1e308, 1e9, float("nan")])
def test_shifts_that_lead_out_of_the_scan_leave_it_out(tmp_path, shift: float) -> None:
    bad = Spectrum([(TRACE, numbers(N, 3, 1))], "bad")
    path = sle(tmp_path / "a.sle", [bad, one()], shifts=[0.0, 0.07, shift])
    with pytest.warns(UserWarning, match="'bad' is left out"):
        (spectrum,) = read(path)
    assert spectrum.name == "C 1s"


def test_a_scan_with_too_few_numbers_is_left_out(tmp_path) -> None:
    scans = [("Scan=0u", numbers()), ("Scan=1u", numbers(40, 1, 1)), ("Scan=2u", numbers(seed=2))]
    with pytest.warns(UserWarning, match="scan 2 of 'C1s' is left out: expected 61 x 1 x 1"):
        (stack,) = read(sle(tmp_path / "a.sle", [Spectrum(scans)]))
    np.testing.assert_array_equal(stack[1], numbers(seed=2).ravel())


FOREVER = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n, 'x' FROM c"


@pytest.mark.parametrize("name", ["Configuration", "RawData", "CountRateData"])
def test_a_view_in_the_place_of_a_table_is_never_run(tmp_path, name: str) -> None:
    view = f"CREATE VIEW {name}(Key, Value) AS {FOREVER}"
    path = sle(tmp_path / "a.sle", [] if name != "Configuration" else [one()],
               without=[name], more=[view])  # fmt: skip
    with pytest.raises(ReadError, match="got another database, with the tables"):
        read(path)


def test_triggers_views_and_indices_beside_the_tables_do_nothing(tmp_path) -> None:
    more = [
        f"CREATE VIEW Endless AS {FOREVER}",
        "CREATE TRIGGER t AFTER INSERT ON RawData BEGIN DELETE FROM RawData; END",
        "CREATE VIEW SpectrumView AS SELECT load_extension('x')",
    ]
    (spectrum,) = read(sle(tmp_path / "a.sle", [one()], more=more))
    np.testing.assert_array_equal(spectrum, numbers().ravel())


def test_computed_columns_are_not_computed(tmp_path) -> None:
    path = sle(tmp_path / "a.sle", [one()], without=["Configuration"], more=[
        "CREATE TABLE Configuration (Key TEXT, Value AS (hex(zeroblob(10000000))))",
        "INSERT INTO Configuration(Key) VALUES ('Schedule')",
    ])  # fmt: skip
    tracemalloc.start()
    with pytest.raises(ReadError, match="expected a database of SPECS Prodigy"):
        read(path)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_a_packed_piece_that_unpacks_to_too_much_is_refused(tmp_path) -> None:
    path = sle(tmp_path / "a.sle", [one()], packed=True)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE CountRateData SET Data = ?", (zlib.compress(bytes(20_000_000), 9),))
    connection.commit()
    connection.close()
    tracemalloc.start()
    with pytest.raises(ReadError, match=r"expected 61 numbers, got \d+ bytes"):
        read(path)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_entities_in_the_schedule_are_refused(tmp_path) -> None:
    schedule = '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'
    with pytest.raises(ReadError, match="no readable XML: entities"):
        read(sle(tmp_path / "a.sle", [one()], schedule=schedule))


def test_another_database_is_refused(tmp_path) -> None:
    path = tmp_path / "history.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE urls (url TEXT)")
    connection.commit()
    connection.close()
    with pytest.raises(ReadError, match=r"another database, with the tables: urls; export .* \.xy"):
        read(path)


@pytest.mark.parametrize("n_bytes", [16, 100, 5000])
def test_a_damaged_database_is_refused(tmp_path, n_bytes: int) -> None:
    path = sle(tmp_path / "a.sle", [one()])
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(ReadError, match="expected a database of SPECS Prodigy"):
        read(path)


def test_a_path_with_signs_of_addresses_is_opened(tmp_path) -> None:
    folder = tmp_path / "a?mode=rw#b%20"
    folder.mkdir()
    (spectrum,) = read(sle(folder / "x&y.sle", [one()]))
    assert spectrum.size == N
