"""SPECS xy: Prodigy and SpecsLab 2, loops as dimensions, what the header says and what it hides."""

import warnings

import numpy as np
import pytest

from xpsnet import to_binding
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read, read_one, sniff
from xpsnet.io.specs import xy as specs_xy
from xpsnet.io.specs.xy import NAME

ENERGY = 295.0 - 0.1 * np.arange(61)


def counts(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(400, ENERGY.size).astype(float)


def header(energy: str = "Binding Energy", rate: str = "Counts per Second") -> list[str]:
    return [
        "Created by:        SpecsLab Prodigy, Version 4.100.1-r111001",
        "",
        "XY-Serializer Export Settings:",
        "  Comment Prefix:           #",
        f"  Energy Axis:              {energy}",
        f"  Count Rate:               {rate}",
        "  Separate Scan Data:       yes",
        "",
        "Group:                        1 as-loaded",
        "",
    ]


def region(name: str = "C1s", **settings: str) -> list[str]:
    known = {
        "Spectrum ID": "20",
        "Analysis Method": "XPS",
        "Analyzer": "Phoibos",
        "Analyzer Lens": "LargeArea:1.5kV",
        "Scan Mode": "FixedAnalyzerTransmission",
        "Dwell Time": "0.1",
        "Excitation Energy": "1486.61",
        "Binding Energy": "295",
        "Pass Energy": "20",
        "Eff. Workfunction": "4.1082",
        "Source": "XR 50",
        "Comment": "",
    } | {key.replace("_", " "): value for key, value in settings.items()}
    return [f"Region:   {name}", *(f"{key}:   {value}" for key, value in known.items())]


def table(
    loop: str = "Cycle: 0, Curve: 0, Scan: 0",
    y: np.ndarray | None = None,
    energy: np.ndarray = ENERGY,
    labels: str = "energy counts/s",
    more: list[np.ndarray] | None = None,
    second: int = 47,
) -> list[str]:
    y = counts() if y is None else y
    columns = zip(energy, y, *(more or []), strict=True)
    head = [loop, "", f"Acquisition Date:  08/24/23 14:19:{second:02d} UTC"]
    rows = ["  ".join(f"{v:.10g}" for v in row) for row in columns]
    return [*head, f"ColumnLabels:   {labels}", "", *("\0" + row for row in rows), "\0"]


def xy(*parts: list[str], prefix: str = "#", newline: str = "\n") -> str:
    lines = [line for part in parts for line in part]
    return newline.join(line[1:] if line[:1] == "\0" else f"{prefix} {line}" for line in lines)


CYCLE = ["Cycle: 0", "", "Number of Scans: 1"]


def test_a_region_is_read_to_the_number(save) -> None:
    path = save(xy(header(), region(), CYCLE, table()), "a.xy")
    assert sniff(path) == NAME
    (spectrum,) = read(path)
    assert (spectrum.name, spectrum.dims) == ("C 1s", ("energy",))
    np.testing.assert_array_equal(spectrum, counts())
    np.testing.assert_allclose(spectrum.energy, ENERGY)
    expected = {
        "scale": "binding",
        "units": "counts/s",
        "photon_energy": 1486.61,
        "pass_energy": 20.0,
        "dwell_time": 0.1,
        "n_scans": 1,
        "instrument": "Phoibos",
        "technique": "XPS",
        "source": "XR 50",
        "group": "1 as-loaded",
        "acquired": "2023-08-24T14:19:47Z",
        "region_original": "C1s",
    }
    assert {key: spectrum.attrs.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("rate", "label", "units"),
    [
        ("Counts per Second", "energy counts/s", "counts/s"),
        ("Counts", "energy counts", "counts"),
        ("Counts per Second", "energy intensity", "counts/s"),
        ("Counts", "energy intensity", "counts"),
    ],
)
def test_the_units_are_those_of_the_column(save, rate: str, label: str, units: str) -> None:
    text = xy(header(rate=rate), region(), CYCLE, table(labels=label))
    assert read_one(save(text), region=0).attrs["units"] == units


def test_the_work_function_is_not_subtracted(save) -> None:
    kinetic = 1486.61 - ENERGY
    text = xy(header("Kinetic Energy"), region(), CYCLE, table(energy=kinetic))
    (spectrum,) = read(save(text))
    assert spectrum.attrs["scale"] == "kinetic"
    np.testing.assert_allclose(to_binding(spectrum).energy, ENERGY, rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("key", "energy", "scale"),
    [
        ("Binding Energy", ENERGY, "binding"),
        ("Binding Energy", 1486.61 - ENERGY, "kinetic"),
        ("Kinetic Energy", 1486.61 - ENERGY, "kinetic"),
        ("Kinetic Energy", ENERGY, "binding"),
    ],
    ids=["be", "be as ke", "ke", "ke as be"],
)
def test_without_the_setting_the_start_of_the_region_tells_the_scale(
    save, key: str, energy: np.ndarray, scale: str
) -> None:
    start = "295" if key.startswith("B") else "1191.61"
    settings = [line for line in region() if not line.startswith("Binding")] + [f"{key}: {start}"]
    lines = [line for line in header() if "Energy Axis" not in line]
    (spectrum,) = read(save(xy(lines, settings, CYCLE, table(energy=energy))))
    assert spectrum.attrs["scale"] == scale


def test_specslab_2_tells_the_scale_in_a_sentence(save) -> None:
    lines = ["Created by:        SpecsLab2, Version 2.55-r16474", "", "Group: a", ""]
    settings = ["Region: C1s", "Anylsis Method: XPS", "Excitation Energy: 1253.6",
                "values in kinetic energy", "Number of Scans: 5"]  # fmt: skip
    loop = table("Cycle: 0, Curve: 0", energy=1253.6 - ENERGY, labels="energy counts")
    (spectrum,) = read(save(xy(lines, settings, loop)))
    assert (spectrum.attrs["scale"], spectrum.attrs["n_scans"]) == ("kinetic", 5)
    assert spectrum.attrs["units"] == "counts"


def test_scans_that_are_not_separate_are_counted(save) -> None:
    cycle = ["Cycle: 0", "", "Number of Scans: 7"]
    (spectrum,) = read(save(xy(header(), region(), cycle, table("Cycle: 0, Curve: 0"))))
    assert spectrum.attrs["n_scans"] == 7


def loops(*ranges: tuple[str, int]) -> list[list[str]]:
    """Tables of nested loops, numbered through."""
    shape = [n for _, n in ranges]
    found = []
    for i, places in enumerate(np.ndindex(*shape)):
        named = ", ".join(f"{k}: {p}" for (k, _), p in zip(ranges, places, strict=True))
        found.append([f"Cycle: {places[0]}", f"Number of Scans: {dict(ranges).get('Scan', 9)}"])
        found.append(table(named, counts(i), second=i % 60))
    return found


@pytest.mark.parametrize(
    ("ranges", "dims"),
    [
        ([("Cycle", 3), ("Curve", 1)], ("cycle",)),
        ([("Cycle", 3), ("Curve", 2)], ("cycle", "curve")),
        ([("Cycle", 1), ("Curve", 1), ("Scan", 4)], ("scan",)),
        ([("Cycle", 3), ("Curve", 2), ("Scan", 2)], ("cycle", "curve", "scan")),
        ([("Cycle", 2), ("Curve", 2), ("Scan", 2), ("Channel", 3)],
         ("cycle", "curve", "scan", "channel")),
    ],
    ids=str,
)  # fmt: skip
def test_loops_are_dimensions(save, ranges, dims: tuple[str, ...]) -> None:
    path = save(xy(header(), region(), *loops(*ranges)))
    (stack,) = read(path)
    shape = tuple(n for _, n in ranges if n > 1)
    assert (stack.dims, stack.shape) == ((*dims, "energy"), (*shape, 61))
    for i, row in enumerate(stack.values.reshape(-1, 61)):
        np.testing.assert_array_equal(row, counts(i))
    (spectrum,) = read(path, sum_over=dims)
    assert spectrum.dims == ("energy",)


def test_scans_of_rates_are_averaged_by_sum_over(save) -> None:
    text = xy(header(), region(), *loops(("Cycle", 1), ("Curve", 1), ("Scan", 4)))
    (spectrum,) = read(save(text), sum_over="scan")
    np.testing.assert_allclose(spectrum, np.mean([counts(i) for i in range(4)], 0))
    assert spectrum.attrs["n_scans"] == 4


def test_regions_and_groups_are_kept_apart(save) -> None:
    second = [*header()[-2:-1], "Group: 2 annealed", ""]
    text = xy(
        header(), region(), CYCLE, table(), region("O1s", Spectrum_ID="21"), CYCLE,
        table(y=counts(1)), second, region(Spectrum_ID="22"), CYCLE, table(y=counts(2)),
    )  # fmt: skip
    spectra = read(save(text))
    assert [s.name for s in spectra] == ["C 1s", "O 1s", "C 1s"]
    assert [s.attrs["group"] for s in spectra] == ["1 as-loaded", "1 as-loaded", "2 annealed"]
    np.testing.assert_array_equal(spectra[2], counts(2))


def test_further_columns_and_devices_are_coordinates(save) -> None:
    transmission = np.linspace(1, 2, 61)
    current = np.linspace(5, 6, 61)
    external = table("External Channel Data Cycle: 0, Curve: 0, Ring Current [mA] (Remote)",
                     current, labels="energy  Ring Current [mA]")  # fmt: skip
    main = table(labels="energy counts/s transmission", more=[transmission])
    (spectrum,) = read(save(xy(header(), region(), CYCLE, main, external)))
    np.testing.assert_allclose(spectrum.transmission, transmission)
    np.testing.assert_allclose(spectrum.ring_current, current)
    np.testing.assert_array_equal(spectrum, counts())


def test_parameters_are_kept(save) -> None:
    parts = [header(), region()]
    for i in range(3):
        parts += [[f"Cycle: {i}"], [f'Parameter: "Temperature [K]" = {300 + 50 * i}']]
        parts += [table(f"Cycle: {i}, Curve: 0", counts(i))]
    (stack,) = read(save(xy(*parts)))
    assert stack.dims == ("cycle", "energy")
    assert stack.parameter_temperature_k.values.tolist() == [300.0, 350.0, 400.0]


@pytest.mark.parametrize(
    ("prefix", "newline"), [("#", "\r\n"), ("#", "\r"), ("%", "\n"), (";", "\r\n")], ids=repr
)
def test_prefixes_and_line_ends_of_all_kinds(save, prefix: str, newline: str) -> None:
    text = xy(header(), region(), CYCLE, table(), prefix=prefix, newline=newline)
    (spectrum,) = read(save(text))
    assert spectrum.attrs["photon_energy"] == 1486.61
    np.testing.assert_array_equal(spectrum, counts())


def test_tables_without_energies_are_left_out_with_a_warning(save) -> None:
    align = region("align", Scan_Mode="FixedEnergies")
    with pytest.warns(UserWarning, match="the scan mode FixedEnergies has no axis"):
        (spectrum,) = read(save(xy(header(), align, CYCLE, table(), region(), CYCLE, table())))
    assert spectrum.name == "C 1s"
    with pytest.raises(ReadError, match=r"at least one table.*the scan mode FixedEnergies"):
        read(save(xy(header(), align, CYCLE, table())))


def test_a_table_that_stands_still_is_left_out(save) -> None:
    still = table(energy=np.full(61, 5.0))
    with pytest.warns(UserWarning, match="expected energies that rise or fall"):
        (spectrum,) = read(save(xy(header(), region(), CYCLE, still, table())))
    np.testing.assert_array_equal(spectrum, counts())


def test_a_file_that_is_cut_off_is_told(save) -> None:
    text = xy(header(), region(**{"Values/Curve": "61"}), CYCLE, table())
    assert read(save(text))[0].size == 61
    kept = "\n".join(text.splitlines()[:-31])
    with pytest.warns(UserWarning, match="has 30 of 61 rows: the file is cut off"):
        (spectrum,) = read(save(f"{kept}\n"))
    assert spectrum.size == 30
    # The last number of "289.1  412" may be all that is left of 41234.
    with pytest.warns(UserWarning, match="has 29 of 61 rows.*ends within line 62"):
        (spectrum,) = read(save(kept))
    assert spectrum.size == 29


def three_regions(**settings: str) -> list[str]:
    """Lines of a file of three regions of two scans."""
    parts = [header()]
    for name in ("C1s", "O1s", "N1s"):
        parts.append(region(name, **settings))
        parts += loops(("Cycle", 1), ("Curve", 1), ("Scan", 2))
    return xy(*parts).splitlines(keepends=True)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("Spectrum ID", "the region 'O1s' at line .* has no table"),
        ("ColumnLabels", "the region 'O1s' at line .* has no table"),
        ("Cycle: 0, Curve: 0, Scan: 1", "cycle 0 has 1 of 2 scans"),
    ],
)
def test_a_file_that_is_cut_between_tables_is_said_to_be(save, place: str, message: str) -> None:
    lines = three_regions()
    second = next(i for i, line in enumerate(lines) if "Region:   O1s" in line)
    at = next(i for i, line in enumerate(lines) if i > second and place in line)
    with pytest.warns(UserWarning, match=message):
        spectra = read(save("".join(lines[:at])))
    assert spectra[0].name == "C 1s"
    assert len(read(save("".join(lines)))) == 3  # the whole file: no warning


def test_no_cut_of_a_file_is_passed_over_in_silence(save) -> None:
    """At whatever byte the file ends, a warning says so, or a refusal; nothing wrong is kept.

    Only a file that ends exactly with a region cannot be distinguished from a whole one.
    """
    lines = three_regions(**{"Values/Curve": "61"})
    text = "".join(lines)
    starts = [len("".join(lines[:i])) for i, line in enumerate(lines) if "Region: " in line]
    whole = {s.name: s.values for s in read(save(text))}
    for at in range(200, len(text) - 2, 97):
        if any(start - 2 <= at <= start for start in starts):
            continue
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                found = read(save(text[:at]))
            except ReadError:
                continue
        assert any("cut off" in str(one.message) for one in caught), at
        for spectrum in found:
            for row in spectrum.values.reshape(-1, spectrum.energy.size):
                assert any(np.array_equal(row, one[: row.size]) for one in whole[spectrum.name])


def test_a_file_that_ends_within_the_first_row_of_a_table_is_said_to_be(save) -> None:
    text = xy(header(), region(), CYCLE, table(), table("Cycle: 0, Curve: 0, Scan: 1"))
    at = text.rindex("295  ") + 6
    with pytest.warns(UserWarning, match="ends within line|is left out"):
        (spectrum,) = read(save(text[:at]))
    np.testing.assert_array_equal(spectrum, counts())


def cycles_with_channel(loop: str, per_scan: bool = True) -> list[list[str]]:
    """Two cycles of two scans, and a thermometer after each scan or after each cycle."""
    parts = []
    label = "Sample temperature [K] (Laser heater)"
    for i in range(4):
        cycle, scan = divmod(i, 2)
        if scan == 0:
            parts.append([f"Cycle: {cycle}", "", "Number of Scans: 2"])
        parts.append(table(f"Cycle: {cycle}, Curve: 0, Scan: {scan}", counts(i)))
        if per_scan or scan:
            named = f"External Channel Data {loop.format(cycle=cycle, scan=scan)}{label}"
            kelvin = np.full(61, 300.0 + 10 * i)
            parts.append(table(named, kelvin, labels=f"energy {label}"))
    return parts


@pytest.mark.parametrize(
    "loop",
    ["Cycle: {cycle}, ", "Cycle: {cycle}, Curve: 0, Scan: {scan}, ", ""],
    ids=["cycle", "scan", "nothing"],
)
@pytest.mark.parametrize("per_scan", [True, False])
def test_what_another_device_measured_is_no_scan(save, loop: str, per_scan: bool) -> None:
    (stack,) = read(save(xy(header(), region(), *cycles_with_channel(loop, per_scan))))
    assert dict(stack.sizes) == {"cycle": 2, "scan": 2, "energy": 61}
    for i, row in enumerate(stack.values.reshape(-1, 61)):
        np.testing.assert_array_equal(row, counts(i))
    kelvin = stack.sample_temperature
    assert kelvin.attrs["units"] == "K"
    expected = [300.0, 310.0, 320.0, 330.0] if per_scan else [310.0, 310.0, 330.0, 330.0]
    if not per_scan and "Scan" in loop:
        expected[::2] = [np.nan, np.nan]  # it belongs to the second scan only
    full = np.broadcast_to(kelvin.values, stack.shape).reshape(4, 61)
    np.testing.assert_array_equal(full[:, 0], expected)


def test_a_channel_on_other_energies_is_put_over_those_of_the_scan(save) -> None:
    at = np.linspace(295.0, 291.0, 9)
    external = table("External Channel Data Cycle: 0, Pressure [mbar]", at / 100, energy=at,
                     labels="energy Pressure [mbar]")  # fmt: skip
    (spectrum,) = read(save(xy(header(), region(), CYCLE, table(), external)))
    inside = spectrum.energy.values >= 291.0
    np.testing.assert_allclose(spectrum.pressure[inside], ENERGY[inside] / 100)
    assert np.isnan(spectrum.pressure[~inside]).all()


def test_a_further_quantity_without_a_word_about_channels_is_no_scan(save) -> None:
    second = table("Cycle: 0, Curve: 0, Scan: 1", np.full(61, 4.2), labels="energy  Current [nA]")
    (spectrum,) = read(save(xy(header(), region(), CYCLE, table(), second)))
    np.testing.assert_array_equal(spectrum, counts())
    assert (spectrum.current.values == 4.2).all()


@pytest.mark.parametrize("labels", ["energy ordinate", "energy", "Energie  Zaehlrate"])
def test_scans_with_any_label_are_scans(save, labels: str) -> None:
    tables = [table(f"Cycle: 0, Curve: 0, Scan: {i}", counts(i), labels=labels) for i in range(3)]
    cycle = ["Cycle: 0", "", "Number of Scans: 3"]
    (stack,) = read(save(xy(header(), region(), cycle, *tables)))
    assert dict(stack.sizes) == {"scan": 3, "energy": 61}


@pytest.mark.parametrize(
    ("lens", "name", "units"),
    [
        ("WideAngleMode:40V", "angle", "deg"),
        ("", "angle", "deg"),
        ("MediumAngularDispersion", "angle", "deg"),
        ("LargeArea:1.5kV", "y", "mm"),
        ("HighMagnification2", "y", "mm"),
    ],
)
def test_the_curves_of_a_detector_have_their_angles(save, lens, name: str, units: str) -> None:
    parts = [header(), region(**{"Analyzer Lens": lens, "Curves/Scan": "3"})]
    for i in range(6):
        cycle, curve = divmod(i, 3)
        place = table(f"Cycle: {cycle}, Curve: {curve}", counts(i))
        place.insert(2, f"NonEnergyOrdinate:   {(-7.5, 0.0, 7.5)[curve]}")
        parts += [[f"Cycle: {cycle}"], place] if curve == 0 else [place]
    path = save(xy(*parts))
    (image,) = read(path)
    assert image.dims == ("cycle", name, "energy")
    assert image[name].values.tolist() == [-7.5, 0.0, 7.5]
    assert (image[name].attrs["units"], "curve" in image.coords) == (units, False)
    np.testing.assert_array_equal(image[1, 2], counts(5))
    assert read(path, sum_over=name)[0].dims == ("cycle", "energy")


def test_the_angle_of_one_curve_is_not_that_of_the_next(save) -> None:
    first, second = (table(f"Cycle: 0, Curve: {i}", counts(i)) for i in range(2))
    first.insert(2, "NonEnergyOrdinate:  3.5")
    (image,) = read(save(xy(header(), region(), CYCLE, first, second)))
    assert (image.dims, "angle" in image.coords) == (("curve", "energy"), False)


def test_too_many_tables_are_cut_off_with_a_warning(save, monkeypatch) -> None:
    monkeypatch.setattr(specs_xy, "_MAX_TABLES", 2)
    text = xy(header(), region(), *loops(("Cycle", 3), ("Curve", 1)))
    with pytest.warns(UserWarning, match="the tables from line .* are left out: too many"):
        (stack,) = read(save(text))
    assert stack.sizes["cycle"] == 2


def test_a_measured_file_is_read(real_data) -> None:
    survey, iron = read(real_data / "specs" / "MgFe2O4_small.xy")
    assert (survey.name, survey.size, float(survey.energy[0])) == ("survey", 1351, 1350.0)
    assert (iron.name, iron.size, float(iron.energy[-1])) == ("Fe 2p", 56, 695.0)
    assert survey.attrs["scale"] == iron.attrs["scale"] == "binding"
    assert survey.attrs["units"] == "counts/s"
    assert (survey.attrs["dwell_time"], iron.attrs["pass_energy"]) == (0.1, 20.0)
    assert float(survey[0]) == 15598.679
    # 2p 3/2 of Fe(III) at 711 eV; the steps are 1 eV, the sample is charged a little.
    assert float(iron.sel(energy=slice(718, 700)).idxmax()) == pytest.approx(711.0, abs=2.0)
