"""A small writer of databases of SPECS Prodigy, made from the layout as it is documented."""

import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

N, STEP, START, PASS = 61, 0.05, 1191.6, 20.0
ENERGY = START + STEP * np.arange(N)


@dataclass
class Spectrum:
    """One spectrum; each scan is (trace, numbers of shape (samples, channels, slices))."""

    scans: Sequence[tuple[str, np.ndarray]]
    name: str = "C1s"
    mode: str = "FixedAnalyzerTransmission"
    settings: Mapping[str, object] = field(default_factory=dict)
    parameters: Mapping[str, object] | None = field(default_factory=dict)
    transmission: Sequence[np.ndarray] = ()


PARAMETERS: dict[str, object] = {
    "AnalysisMethod": "XPS", "AnalyzerLensMode": "LargeArea", "DwellTime": 1.0,
    "ExcitationEnergy": 1486.61, "KineticEnergy": START, "PassEnergy": PASS, "ScanDelta": STEP,
    "ScanMode": "FixedAnalyzerTransmission", "ValuesPerCurve": N, "Workfunction": 4.1,
}  # fmt: skip


def sle(
    path: Path,
    spectra: Sequence[Spectrum],
    *,
    shifts: Sequence[float] = (),
    dtype: str = "<f8",
    pieces: int = 1,
    packed: bool = False,
    schedule: str | None = None,
    more: Sequence[str] = (),
    without: Sequence[str] = (),
) -> Path:
    """Write a database; nodes have other numbers than the schedule."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    tables = {
        "Configuration": "Key TEXT, Value TEXT",
        "NodeMapping": "Node INTEGER, InternalID INTEGER",
        "NodeData": "Node INTEGER, Data TEXT",
        "Spectrum": "Node INTEGER, EnergyChns INTEGER, NonEnergyChns INTEGER, Samples INTEGER",
        "RawData": "RawID INTEGER, Node INTEGER, ScanDate TEXT, Trace TEXT",
        "CountRateData": "RawID INTEGER, Offset INTEGER, NextOffset INTEGER, ChunkSize INTEGER, "
        "Data BLOB",
        "TransmissionData": "Node INTEGER, Ekin REAL, NonEnergyChns INTEGER, Samples INTEGER, "
        "Data BLOB",
        "ExtensionChannelInfo": "Node INTEGER, Channel INTEGER, Name TEXT",
    }
    for name, columns in tables.items():
        if name not in without:
            connection.execute(f"CREATE TABLE {name} ({columns})")
    text = _schedule(spectra) if schedule is None else schedule
    put = connection.execute
    if "Configuration" not in without:
        put("INSERT INTO Configuration VALUES ('Version', '1.13'), ('AppVersion', '4.64.1')")
        put("INSERT INTO Configuration VALUES ('Schedule', ?)", (text,))
    detectors = "".join(f'<Detector Gain="1" Position="0" Shift="{s}"/>' for s in shifts)
    put("INSERT INTO NodeMapping VALUES (102, 2)")
    calibration = f"<a><DetectorCalibration>{detectors}</DetectorCalibration></a>"
    put("INSERT INTO NodeData VALUES (102, ?)", (calibration,))
    raw_id = 0
    for number, spectrum in enumerate(spectra, start=3):
        node = 100 + number
        put("INSERT INTO NodeMapping VALUES (?, ?)", (node, number))
        if spectrum.parameters is not None:
            known = PARAMETERS | dict(spectrum.parameters)
            attrs = " ".join(f'{key}="{value}"' for key, value in known.items())
            data = f"<a><AnalyzerSpectrumParameters {attrs}/></a>"
            put("INSERT INTO NodeData VALUES (?, ?)", (node, data))
        if spectrum.scans:
            n_samples, n_channels, n_slices = spectrum.scans[0][1].shape
            put("INSERT INTO Spectrum VALUES (?, ?, ?, ?)", (node, n_channels, n_slices, n_samples))
        for part in spectrum.transmission:
            blob = zlib.compress(part.tobytes()) if packed else part.tobytes()
            n_slices = part.shape[1] if part.ndim > 1 else 1
            put("INSERT INTO TransmissionData VALUES (?, ?, ?, ?, ?)",
                (node, START, n_slices, len(part), blob))  # fmt: skip
        for trace, numbers in spectrum.scans:
            raw_id += 1
            date = f"2024-Feb-29 12:30:{raw_id % 60:02d}.25"
            put("INSERT INTO RawData VALUES (?, ?, ?, ?)", (raw_id, node, date, trace))
            parts = np.array_split(numbers.ravel().astype(dtype), pieces)
            # The last piece first: only the offsets tell the order.
            for k, part in reversed(list(enumerate(parts))):
                blob = zlib.compress(part.tobytes()) if packed else part.tobytes()
                put("INSERT INTO CountRateData VALUES (?, ?, 0, ?, ?)",
                    (raw_id, 1 + 1000 * k, part.size, blob))  # fmt: skip
    for statement in more:
        put(statement)
    connection.commit()
    connection.close()
    return path


def _schedule(spectra: Sequence[Spectrum]) -> str:
    inside = []
    for number, spectrum in enumerate(spectra, start=3):
        known: dict[str, object] = {"DwellTime": 1.0, "Epass": PASS, "Eexc": 1486.61,
                                    "NumScans": 1, "LensMode": "LargeArea"}  # fmt: skip
        attrs = " ".join(f'{k}="{v}"' for k, v in (known | dict(spectrum.settings)).items())
        inside.append(
            f'<Spectrum ID="{number}" Name="{spectrum.name}"><Comment/>'
            f"<{spectrum.mode}Settings {attrs}/></Spectrum>"
        )
    return (
        '<!DOCTYPE SpecsLabSchedule><Experiment Version="1.1"><Schedule>'
        '<Loop ID="9"><State Iterations="100"/></Loop><XPS ID="1">'
        '<SpectrumGroup ID="2" Name="as loaded#LargeArea">' + "".join(inside) +
        "</SpectrumGroup></XPS></Schedule></Experiment>"
    )  # fmt: skip
