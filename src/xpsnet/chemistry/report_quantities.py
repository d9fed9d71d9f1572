"""The part of a report that states atomic fractions, and what they were calculated with."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.arguments import WrongTypeError, shown
from xpsnet.chemistry.quantify import row_names
from xpsnet.chemistry.report_formats import Block, Facts, Heading, Rows
from xpsnet.data.number_texts import with_error

_FACTS = {
    "rsf": "Sensitivity factors",
    "rsf_kind": "What the factors contain",
    "transmission": "Transmission",
    "imfp": "Inelastic mean free path",
    "angle": "Angle between X-rays and analyzer",
    "photon_energy": "Photon energy [eV]",
}
_HEADINGS = (
    "",
    "at.%",
    "systematic [at.%]",
    "area",
    "factor",
    "transmission",
    "mean free path",
    "kinetic energy [eV]",
)


def quantified_rule(name: str, value: Any) -> None:
    """A Dataset from `quantify`."""
    wanted = {"atomic_fraction", "atomic_fraction_systematic", "sensitivity_factor"}
    if not isinstance(value, xr.Dataset) or not wanted <= set(value.data_vars):
        raise WrongTypeError(
            f"expected a Dataset from xpsnet.quantify, got {name}={shown(value)}; pass what "
            f"quantify gives for these peaks"
        )


def quantities(found: xr.Dataset) -> Iterator[Block]:
    """Heading, table and facts of a quantification; of several spectra the medians."""
    row = "region" if "region" in found.dims else "row"
    others = [dim for dim in found["atomic_fraction"].dims if dim != row]
    middle = found.median(others) if others else found
    yield Heading(2, "Quantification")
    rows = []
    for k, name in enumerate(row_names(found)):
        one = middle.isel({row: k})
        percent, error, systematic = (
            100 * float(one[f"atomic_fraction{end}"]) for end in ("", "_stderr", "_systematic")
        )
        cells = [float(one[key]) for key in ("transmission", "imfp")]
        rows.append(
            [
                name,
                with_error(percent, error),
                f"{systematic:.2g}",
                with_error(float(one["area"]), float(one["area_stderr"])),
                f"{float(one['sensitivity_factor']):.4g}",
                *(f"{value:.4g}" for value in cells),
                f"{float(one['kinetic_energy']):.0f}",
            ]
        )
    yield Rows([*_HEADINGS], rows)
    yield Facts(list(_facts(found, others)))


def _facts(found: xr.Dataset, others: list[Any]) -> Iterator[tuple[str, str]]:
    """What the table does not say."""
    if others:
        n = int(np.prod([found.sizes[dim] for dim in others]))
        yield "Values", f"medians of {n} spectra"
    yield "Errors", "one standard error from the noise of the spectra, with covariances"
    relative = json.loads(str(found.attrs.get("systematic_uncertainties", "{}")))
    if relative:
        yield (
            "Systematic uncertainty",
            f"of each factor {100 * relative['rsf']:g} %, of the exponent of the transmission "
            f"{relative['transmission']:g}, of that of the mean free path {relative['imfp']:g}",
        )
    if "detection_limit" in found and others == []:
        limits = zip(row_names(found), 100 * found["detection_limit"].values, strict=True)
        known = [f"{name} {limit:.2g}" for name, limit in limits if np.isfinite(limit)]
        if known:
            yield "Detection limits [at.%]", ", ".join(known)
    for name, title in _FACTS.items():
        if name in found.attrs:
            yield title, str(found.attrs[name])
    yield "Assumption", "the sample is the same over the depth of information"
