"""SpecsLab 2 XML: detectors put together, loops as dimensions, XML that does no harm."""

import tracemalloc

import numpy as np
import pytest

from xpsnet import to_binding
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import read, sniff
from xpsnet.io.specs.xml import NAME

DTD = """<!DOCTYPE any [
<!ELEMENT any (any|sequence|struct|string|ulong|double)?>
<!ATTLIST any name NMTOKEN #IMPLIED type_name NMTOKEN #IMPLIED version CDATA #IMPLIED>
]>"""
N, STEP, START, PASS = 61, 0.05, 963.6, 20.0
SHIFTS = (-0.07, -0.035, 0.0, 0.035, 0.07)
HEAD = TAIL = 28  # 0.07 x 20 eV / 0.05 eV
ENERGY = START + STEP * np.arange(N)


def samples(seed: int = 0, n_curves: int = 1) -> np.ndarray:
    """Counts that each detector finds, shape (n_curves, samples, detectors)."""
    shape = (n_curves, N + HEAD + TAIL, len(SHIFTS))
    return np.random.default_rng(seed).poisson(80, shape)


def summed(counts: np.ndarray) -> np.ndarray:
    """The sum at equal energies: START + (k - HEAD) STEP + shift for sample k of a detector."""
    total = np.zeros((counts.shape[0], N))
    for d, shift in enumerate(SHIFTS):
        for i in range(N):
            k = round((ENERGY[i] - START - shift * PASS) / STEP) + HEAD
            total[:, i] += counts[:, k, d]
    return total


def struct(kind: str, content: str, name: str = "") -> str:
    named = f' name="{name}"' if name else ""
    kinds = f'type_id="IDL:specs.de/{kind}:1.0" type_name="{kind}"'
    return f"<struct{named} {kinds}>\n{content}</struct>\n"


def sequence(name: str, kind: str, items: list[str]) -> str:
    return (
        f'<sequence name="{name}" length="{len(items)}" type_name="{kind}">\n'
        + "".join(items)
        + "</sequence>\n"
    )


def leaf(tag: str, name: str, value: object) -> str:
    return f'<{tag} name="{name}">{value}</{tag}>\n'


def numbers(name: str, values: np.ndarray) -> str:
    text = "\n".join(str(v) for v in values.ravel())
    return f'<sequence name="{name}" length="{values.size}"><ulong>\n{text}\n</ulong></sequence>\n'


def region(
    name: str = "C1s",
    cycles: list[list[np.ndarray]] | None = None,
    mode: str = "FixedAnalyzerTransmission",
    shifts: tuple[float, ...] = SHIFTS,
    transmission: np.ndarray | None = None,
    **changes: object,
) -> str:
    values: dict[str, object] = {
        "num_scans": 1, "curves_per_scan": 1, "values_per_curve": N, "dwell_time": 0.2,
        "scan_delta": STEP, "excitation_energy": 1253.6, "kinetic_energy": START,
        "pass_energy": PASS, "effective_workfunction": 4.37,
    } | changes  # fmt: skip
    definition = leaf("string", "analysis_method", "XPS")
    definition += leaf("string", "analyzer_lens", "MediumMagnification:1.5kV")
    definition += struct("ScanMode", leaf("string", "name", mode), "scan_mode")
    definition += "".join(leaf("double", key, value) for key, value in values.items())
    detectors = [struct("Detector", leaf("double", "shift", s) + leaf("double", "gain", 1))
                 for s in shifts]  # fmt: skip
    info = leaf("string", "name", "PHOIBOS") + sequence("detectors", "DetectorSeq", detectors)
    written = [
        struct("Cycle", leaf("ulong", "time", 1643391325 + 60 * i) + sequence(
            "scans", "ScanSeq", [struct("ScanData", numbers("counts", scan)) for scan in scans]))
        for i, scans in enumerate(cycles if cycles is not None else [[samples()]])
    ]  # fmt: skip
    content = leaf("string", "name", name) + struct("RegionDef", definition, "region")
    content += leaf("ulong", "mcd_head", HEAD) + leaf("ulong", "mcd_tail", TAIL)
    content += struct("AnalyzerInfo", info, "analyzer_info")
    content += struct("SourceInfo", leaf("string", "name", "XR 50"), "source_info")
    content += sequence("cycles", "CycleSeq", written)
    if transmission is not None:
        content += numbers("transmission", transmission)
    return struct("RegionData", content)


def specs(regions: list[str], group: str = "as loaded", dtd: str = DTD) -> str:
    inside = leaf("string", "name", group) + sequence("regions", "RegionDataSeq", regions)
    outside = sequence("", "RegionGroupSeq", [struct("RegionGroup", inside)])
    return f'<?xml version="1.0"?>\n{dtd}\n<any version="1.6">\n{outside}</any>\n'


def test_the_detectors_are_put_together_at_the_same_energy(save) -> None:
    path = save(specs([region()]), "a.xml")
    assert sniff(path) == NAME
    (spectrum,) = read(path)
    assert (spectrum.name, spectrum.dims) == ("C 1s", ("energy",))
    np.testing.assert_array_equal(spectrum, summed(samples())[0])
    np.testing.assert_allclose(spectrum.energy, ENERGY)
    expected = {
        "scale": "kinetic",
        "units": "counts",
        "photon_energy": 1253.6,
        "pass_energy": 20.0,
        "dwell_time": 0.2,
        "n_scans": 1,
        "instrument": "PHOIBOS",
        "source": "XR 50",
        "group": "as loaded",
        "acquired": "2022-01-28T17:35:25Z",
    }
    assert {key: spectrum.attrs.get(key) for key in expected} == expected
    assert set(spectrum.coords) == {"energy"}


def test_a_line_seen_by_all_detectors_is_one_line(save) -> None:
    # Each detector sees the same Gaussian at 965.1 eV, at its own samples.
    energy = START + STEP * (np.arange(N + HEAD + TAIL) - HEAD)
    own = energy[:, None] + PASS * np.array(SHIFTS)
    counts = np.round(1000 * np.exp(-0.5 * ((own - 965.1) / 0.2) ** 2)).astype(int)[None]
    (spectrum,) = read(save(specs([region(cycles=[[counts]])])))
    assert float(spectrum.idxmax()) == pytest.approx(965.1)
    assert float(spectrum.max()) == pytest.approx(5000, abs=5)
    # The work function is within the kinetic energies already.
    assert float(to_binding(spectrum).idxmax()) == pytest.approx(1253.6 - 965.1)


def test_cycles_scans_and_curves_are_dimensions(save) -> None:
    cycles = [[samples(10 * i + j, 2) for j in range(3)] for i in range(4)]
    (stack,) = read(save(specs([region(cycles=cycles, curves_per_scan=2, num_scans=3)])))
    assert stack.dims == ("cycle", "scan", "curve", "energy")
    assert stack.shape == (4, 3, 2, N)
    np.testing.assert_array_equal(stack[3, 1], summed(samples(31, 2)))
    assert stack.acquired.dims == ("cycle",)
    assert stack.acquired.values[1] == "2022-01-28T17:36:25Z"


def test_one_detector_needs_no_putting_together(save) -> None:
    counts = samples()[:, :, :1]
    (spectrum,) = read(save(specs([region(cycles=[[counts]], shifts=(0.0,))])))
    np.testing.assert_array_equal(spectrum, counts[0, HEAD : HEAD + N, 0])


def test_a_transmission_is_a_coordinate(save) -> None:
    curve = np.linspace(1, 2, N)
    (spectrum,) = read(save(specs([region(transmission=curve)])))
    np.testing.assert_allclose(spectrum.transmission, curve)
    (flat,) = read(save(specs([region(transmission=np.ones(N))])))
    assert "transmission" not in flat.coords


def test_a_scan_that_was_stopped_is_left_out(save) -> None:
    cycles = [[samples(0), samples(1), samples(2)[:, :40]]]
    with pytest.warns(UserWarning, match="scan 2 of cycle 0 of 'C1s' is left out: expected 1 x"):
        (stack,) = read(save(specs([region(cycles=cycles)])))
    assert stack.shape == (2, N)


def with_compact_cycle(text: str) -> str:
    cycle = struct("CompactCycle", numbers("counts", samples()))
    there = '<sequence name="cycles"'
    return text.replace(there, sequence("compact_cycles", "CompactCycleSeq", [cycle]) + there)


def test_compact_cycles_are_left_out_with_a_warning(save) -> None:
    with pytest.warns(UserWarning, match="1 compact cycles of 'C1s' are left out: export it as"):
        (spectrum,) = read(save(specs([with_compact_cycle(region())])))
    np.testing.assert_array_equal(spectrum, summed(samples())[0])
    with pytest.raises(ReadError, match=r"no whole scans in the open form: export it as \.xy"):
        read(save(specs([with_compact_cycle(region(cycles=[]))])))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mode": "FixedEnergies"}, "the scan mode FixedEnergies has no axis"),
        ({"mode": "FixedRetardingRatio"}, "several detectors at a fixed retarding ratio"),
        ({"values_per_curve": 10**9}, "expected a start, a step and points"),
        ({"scan_delta": 0}, "expected a start, a step and points"),
        ({"kinetic_energy": "x"}, "expected a start, a step and points"),
        ({"kinetic_energy": 1e300}, "expected energies below 100 keV"),
        ({"pass_energy": 200}, "lead out of the scan"),
        ({"cycles": []}, "it holds no whole scans"),
    ],
    ids=str,
)
def test_a_bad_region_is_left_out_with_a_warning(save, changes, reason: str) -> None:
    with pytest.warns(
        UserWarning, match=f"(region|cycle 0 of) 'bad' is left out: .*{reason}|holds no"
    ):
        (spectrum,) = read(save(specs([region("bad", **changes), region()])))
    assert spectrum.name == "C 1s"


def test_xml_that_breaks_off_gives_its_whole_regions(save) -> None:
    text = specs([region("C1s"), region("O1s")])
    with pytest.warns(UserWarning, match="the XML breaks off: (no element|unclosed)"):
        (spectrum,) = read(save(text[: len(text) * 3 // 4]))
    assert spectrum.name == "C 1s"


LAUGHS = '<!DOCTYPE any [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9)
) + "]>"  # fmt: skip


@pytest.mark.parametrize(
    ("dtd", "reason"),
    [
        (LAUGHS, "entities or links"),
        ('<!DOCTYPE any [<!ENTITY x SYSTEM "file:///etc/hostname">]>', "entities or links"),
        ('<!DOCTYPE any [<!ENTITY % x SYSTEM "http://localhost/x"> %x;]>', "entities or links"),
        ('<!DOCTYPE any SYSTEM "specs.dtd">', "a document type in another file"),
        ('<!DOCTYPE any [<!NOTATION n SYSTEM "x">]>', "entities or links"),
    ],
    ids=["laughs", "file", "parameter", "document type", "notation"],
)
def test_entities_are_refused_before_they_are_used(save, dtd: str, reason: str) -> None:
    with pytest.raises(ReadError, match=f"got {reason}.*such a file is not opened"):
        read(save(specs([region()], dtd=dtd)))


def test_large_defaults_of_a_document_type_cost_nothing(save) -> None:
    dtd = f'<!DOCTYPE any [<!ATTLIST ulong big CDATA "{"x" * 100_000}">]>'
    many = "<ulong/>" * 5000
    text = specs([region()], dtd=dtd).replace("</any>", f"<struct>{many}</struct></any>")
    tracemalloc.start()
    (spectrum,) = read(save(text))
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    assert spectrum.size == N


@pytest.mark.parametrize(
    "content",
    ["<a>" * 100 + "</a>" * 100, "<a/>" * 3_000_001],
    ids=["deep", "many"],
)
def test_absurd_depth_and_number_are_refused(save, content: str) -> None:
    with pytest.raises(ReadError, match="more than 60 levels or 1500000 elements"):
        read(save(f"<any>{content}</any>"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('<?xml version="1.0"?><Chart a="b"/>', r"a chart of Avantage.*open the \.VGD"),
        ('<?xml version="1.0"?><!DOCTYPE html><html></html>', "got a web page; save the table"),
        ('<?xml version="1.0"?><svg/>', "got a drawing; a picture holds no counts"),
        ('<?xml version="1.0"?><data/>', "got XML of another kind, <data>; export"),
        ('<any version="1.6"></any>', "XML of SpecsLab 2 with at least one region, got none"),
        ('<?xml version="1.0"?>', "got the XML breaks off: no element found"),
    ],
    ids=["chart", "html", "svg", "data", "empty", "nothing"],
)
def test_other_xml_is_refused_with_advice(save, text: str, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        read(save(text))


def test_the_chart_beside_a_measured_file_is_refused(real_data) -> None:
    with pytest.raises(ReadError, match=r"chart of Avantage.*\.vgd"):
        read(real_data / "thermo" / "Cl2p Scan.xml")


def test_a_measured_file_is_read(real_data) -> None:
    survey, carbon = read(real_data / "specs" / "In-situ_PBTTT_XPS_SPECS.xml")
    assert (survey.name, survey.shape) == ("survey", (1403,))
    assert (carbon.name, carbon.dims, carbon.sizes["energy"]) == ("C 1s", ("scan", "energy"), 201)
    assert carbon.attrs["photon_energy"] == 1253.6
    # 1418 samples of five detectors, of which 8 in front and 7 behind are out of the region.
    assert (float(survey.energy[0]), float(survey.energy[-1])) == (553.6, 1254.6)
    binding = to_binding(carbon.sum("scan").assign_attrs(carbon.attrs))
    assert float(binding.idxmax()) == pytest.approx(284.5, abs=1.0)
