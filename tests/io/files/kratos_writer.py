"""A small writer of Kratos datasets as `dump_dataset` prints them."""

import numpy as np

COUNTS = np.random.default_rng(0).poisson(500, 41).astype(float)


def spectrum_object(name: str = "C 1s/2", **changes: str | None) -> str:
    """Lines of one object; None leaves a field out."""
    values = ", ".join(f"{value:g}" for value in COUNTS)
    fields: dict[str, str | None] = {
        "   1 Technique": "F_XPS",
        "   2 Scan type": "F_SPECTRUM",
        "   3 Spectrum scan start": "1196.6 eV",
        "   4 Spectrum scan step size": "0.1 eV",
        "   5 Abscissa label": "Kinetic Energy",
        "   6 Abscissa units": "eV",
        "   7 Dwell time": "0.25 seconds",
        "   9 Ordinate units": "Counts",
        "  12 Ordinate values": "{" + values[:60] + "\n" + values[60:] + "}",
        "  37 Acquisition name": "C 1s",
        "  42 Pass energy": "20 eV",
        "  99 # Sweeps completed": "3",
        " 151 Date Acquired": "98/07/07 19:11:35",
        "3053 Xray Gun Anode": "F_MONO_ANODE",
        "3080 Xray Reference Energy": "F_REFER_TO_XRAY_AL",
        "3113 Chemical symbol or formula": "C",
        "3114 Transition or charge state": "1s",
    }
    for key, value in changes.items():
        full = next((f for f in fields if key in f.lower().replace(" ", "_")), key)
        fields[full] = value
    lines = [f"Object name               = {name}"]
    lines += [f"{key:<50} = {value}" for key, value in fields.items() if value is not None]
    return "\n".join(lines)


BINDING = np.round(298.0 - 0.1 * np.arange(41), 2)
LABELS = ("Kinetic Energy(eV)", "Binding Energy(eV)", "Intensity(Counts)",
          "Intensity(Counts/sec)", "Transmission Value")  # fmt: skip


def ascii_table(
    above: str = "Object name : C 1s/2", labels: tuple[str, ...] = LABELS, seconds: float = 0.5
) -> str:
    """One table of Vision's ASCII export."""
    columns = dict(zip(LABELS, (1486.69 - BINDING, BINDING, COUNTS, COUNTS / seconds,
                                np.linspace(1.0, 1.2, 41)), strict=True))  # fmt: skip
    rows = zip(*(columns[label] for label in labels), strict=True)
    lines = ["Spectra ASCII data for data set...", above, "\t".join(labels)]
    return "\n".join([*lines, *("\t".join(f"{v:.4f}" for v in row) for row in rows), "", ""])


TRANSMISSION = """
5587 Transmission Function Object (ke,t) = {
    5615 Transmission Function Kinetic Energy = {1190, 1210}
    5616 Transmission Function Value = {1.0, 0.5}
}"""


def dump(*objects: str) -> str:
    """A whole file."""
    return "\n".join(["Dataset filename          = a.dset", *objects, ""])
