"""What the window "Quantification" asks of the library, and its answers as tables; no widgets."""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from napari_xpsnet._layers import fitted_dim, layer_spectra, pixel_dims
from napari_xpsnet._maps import COMPOSITION, colormap, maps_of, placed, show_bar_when_seen
from napari_xpsnet._regions import Region, RegionFile, region_of
from napari_xpsnet._worker import sentence

LEVEL = re.compile(r"^\s*([A-Z][a-z]?)\s*[1-7]\s*[spdf]")
"""Start of the name of a region that names a core level."""
COMPOSITION_NAME = "composition"
MAP_COLORS = "viridis"
FORMULA = ("=", "+", "-", "@")
"""First characters of a text that a spreadsheet would take for a formula."""
NOT_FITTED = "not fitted"
NOT_HERE = "this spectrum is not fitted"
NO_LEVEL = "its name is no core level"
COUNTED = "off: {name} counts {element} already"
IN_WINDOW = (
    (
        r'pass transmission= as "ke\^-0\.7" or a function',
        'choose "power of the energy" under "Transmission" if you know it',
    ),
    (
        r"pass photon_energy=1486\.6 for Al K-alpha",
        'type it under "Photon energy"',
    ),
    (r'else pass rsf="scofield" or a mapping', 'else choose "Scofield"'),
    (
        r"pass asymmetry=\{'(.+?)': 1\.0\} with its value, or leave angle= out",
        r'type its value under "Asymmetry", for instance "\1=1.0", or set the angle to magic',
    ),
    (
        r'pass rsf_kind="measured" or "average matrix"',
        'choose another entry under "It contains"',
    ),
    (r'with rsf_kind="measured"', 'as "everything (measured)"'),
)
"""Advice of the library for Python as a pattern, and the same for this window."""


@dataclass(frozen=True)
class Choices:
    """The choices of the window; the words are those of `xpsnet.quantify`."""

    rsf: str = "scofield"
    rsf_kind: str | None = None
    transmission: str | None = "file"
    imfp: str | None = "ke^n"
    material: Mapping[str, Any] | None = None
    angle: float | None = None
    asymmetry: Mapping[str, float] | None = None
    level: str = "region"
    photon_energy: float | None = None

    def keywords(self) -> dict[str, Any]:
        """Keywords of `xpsnet.quantify`."""
        found: dict[str, Any] = {
            "rsf": self.rsf,
            "transmission": self.transmission,
            "imfp": self.imfp,
            "level": self.level,
        }
        for name in ("rsf_kind", "material", "angle", "asymmetry", "photon_energy"):
            value = getattr(self, name)
            if value is not None:
                found[name] = dict(value) if isinstance(value, Mapping) else value
        return found


@dataclass(frozen=True)
class Line:
    """One region in the list of the window.

    Attributes
    ----------
    region : Region
    usable : bool
        Whether it has peaks and names a core level.
    on : bool
        Whether it is counted as long as the user does not say otherwise.
    reason : str
        Why it is not usable, or off.
    """

    region: Region
    usable: bool
    on: bool
    reason: str = ""


@dataclass(frozen=True)
class Answer:
    """Result of the library, or the sentence that says why there is none.

    Attributes
    ----------
    found : Dataset or None
    notes : tuple of str
        Warnings.
    problem : str
    """

    found: xr.Dataset | None = None
    notes: tuple[str, ...] = ()
    problem: str = ""


def element_of(region: Region) -> str:
    """Element that the name of a region states, "" for none."""
    match = LEVEL.match(region.name)
    return match.group(1) if match else ""


def regions_beside(
    region: Region, files: Sequence[RegionFile], *, everywhere: bool
) -> list[Region]:
    """Regions of the sample of a region, or of all files."""
    if everywhere:
        return [one for file in files for one in file.regions]
    return region.file.samples()[region.sample]


def listed(regions: Sequence[Region], pixel: Mapping[str, int], *, whole: bool) -> list[Line]:
    """The regions with what can be counted: of each element the first region.

    Parameters
    ----------
    regions : sequence of Region
    pixel : mapping
        Index along each dimension of the chosen spectrum.
    whole : bool
        Whether all spectra are wanted in place of the chosen one.
    """
    lines: list[Line] = []
    counted: dict[str, str] = {}
    for region in regions:
        element = element_of(region)
        if not region.is_fitted:
            lines.append(Line(region, False, False, NOT_FITTED))
        elif not element:
            lines.append(Line(region, False, False, NO_LEVEL))
        elif peaks_of(region, pixel, whole=whole) is None:
            lines.append(Line(region, False, False, NOT_FITTED if whole else NOT_HERE))
        elif element in counted:
            reason = COUNTED.format(name=counted[element], element=element)
            lines.append(Line(region, True, False, reason))
        else:
            counted[element] = region.title
            lines.append(Line(region, True, True))
    return lines


def pixel_in(region: Region, pixel: Mapping[str, int]) -> dict[str, int]:
    """The chosen pixel in another region of the same map; else the one chosen there."""
    sizes = {dim: region.spectra.sizes[dim] for dim in pixel_dims(region.spectra)}
    if set(sizes) == set(pixel) and all(index < sizes[dim] for dim, index in pixel.items()):
        return dict(pixel)
    return {} if region.state is None else dict(region.state.pixel)


def peaks_of(region: Region, pixel: Mapping[str, int], *, whole: bool) -> xr.Dataset | None:
    """Peaks of the chosen spectrum of a region, or of all; None where there are none."""
    if region.state is None:
        return None
    content, own = region.state.content, pixel_in(region, pixel)
    return content.whole if whole and own else content.at(own)


def quantified(regions: Sequence[Region], peaks: Sequence[xr.Dataset], chosen: Choices) -> Answer:
    """The answer of `xpsnet.quantify`, its warnings and refusals as sentences."""
    import xpsnet

    keywords = call(regions, peaks, chosen)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = xpsnet.quantify(list(peaks), **keywords)
        except Exception as error:
            # A refusal belongs into the window, not into a traceback.
            return Answer(problem=_in_window(sentence(error)))
    texts = [str(one.message) for one in caught if issubclass(one.category, xpsnet.XpsnetWarning)]
    return Answer(found, tuple(_in_window(text) for text in dict.fromkeys(texts)))


def call(regions: Sequence[Region], peaks: Sequence[xr.Dataset], chosen: Choices) -> dict[str, Any]:
    """Keywords; also the photon energy, where the user typed it after the fit."""
    keywords = chosen.keywords()
    if "photon_energy" in keywords or all("photon_energy" in one.attrs for one in peaks):
        return keywords
    known = {one.axis.photon(one.as_read) for one in regions} - {None}
    return keywords | ({"photon_energy": known.pop()} if len(known) == 1 else {})


def _in_window(text: str) -> str:
    """A sentence of the library with advice for this window."""
    for python, here in IN_WINDOW:
        text = re.sub(python, here, text)
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."


def pixel_dims_of(found: xr.Dataset) -> list[str]:
    """Dimensions of the spectra in a result."""
    row = _row(found)
    return [str(dim) for dim in found["atomic_fraction"].dims if dim != row]


def _row(found: xr.Dataset) -> str:
    """Dimension of the rows."""
    return "region" if "region" in found.dims else "row"


def row_names(found: xr.Dataset) -> list[str]:
    """Names of the rows: "O 1s", or "O 1s state 1"."""
    regions = [str(name) for name in found["region"].values]
    if _row(found) == "region":
        return regions
    labels = [str(text) for text in found["label"].values]
    return [
        text if text.startswith(name) else f"{name} {text}"
        for name, text in zip(regions, labels, strict=True)
    ]


def header(found: xr.Dataset) -> list[str]:
    """Titles of the columns of `table`."""
    unit = str(found["area"].attrs.get("units", ""))
    error = "spread" if pixel_dims_of(found) else "\N{PLUS-MINUS SIGN} noise"
    limit = ["limit"] if "detection_limit" in found else []
    systematic = "\N{PLUS-MINUS SIGN} systematic"
    return ["", "at.%", error, systematic, *limit, f"area ({unit})", "factor"]


def table(found: xr.Dataset) -> list[list[str]]:
    """Rows of texts: name, at.%, its errors, detection limit, area, factor.

    Of several spectra the means over the spectra and the standard deviations of the atomic percent
    between them.
    """
    dims, row = pixel_dims_of(found), _row(found)
    mean = found.mean(dims, keep_attrs=True) if dims else found
    error = found["atomic_fraction"].std(dims) if dims else found["atomic_fraction_stderr"]
    columns = [mean["atomic_fraction"], error, mean["atomic_fraction_systematic"]]
    columns += [mean["detection_limit"]] if "detection_limit" in found else []
    rows = []
    for k, name in enumerate(row_names(found)):
        percents = [_shown(100 * float(one.isel({row: k})), ".2f") for one in columns]
        area, factor = (float(mean[v].isel({row: k})) for v in ("area", "sensitivity_factor"))
        rows.append([name, *percents, _shown(area, ".5g"), _shown(factor, ".3f")])
    return rows


def _shown(value: float, form: str) -> str:
    """A number, a dash where there is none."""
    return format(value, form) if np.isfinite(value) else "\N{EN DASH}"


def sources(found: xr.Dataset) -> list[str]:
    """What was applied, a line each."""
    names = {
        "rsf": "Factors",
        "transmission": "Transmission",
        "imfp": "Mean free path",
        "angle": "Angle",
        "background": "Background",
    }
    return [f"{text}: {found.attrs[name]}" for name, text in names.items() if found.attrs.get(name)]


def table_text(found: xr.Dataset) -> str:
    """The table for a spreadsheet, with tabs between the cells."""
    return "\n".join("\t".join(one) for one in [header(found), *table(found)]) + "\n"


def write_table(found: xr.Dataset, path: Path) -> None:
    """Write all numbers, a row for each row and spectrum, as .csv or .xlsx.

    Raises
    ------
    ValueError
        For another extension.
    OSError
        Where the file cannot be written.
    """
    names = [name for name in found.data_vars if _row(found) in found[name].dims]
    frame = found[names].to_dataframe().reset_index()
    for name in frame.columns:
        if frame[name].dtype.kind not in "biuf":
            frame[name] = [
                f"'{text}" if str(text).startswith(FORMULA) else text for text in frame[name]
            ]
    suffix = path.suffix.lower()
    if suffix == ".csv":
        frame.to_csv(path, index=False)
    elif suffix == ".xlsx":
        frame.to_excel(path, sheet_name="atomic percent", index=False)
    else:
        raise ValueError(f"A table is written as .csv or .xlsx, not as {path.suffix or 'no type'}.")


def show_composition(viewer: Any, layer: Any, found: xr.Dataset) -> None:
    """Show the atomic percent of every row as an image layer; those that exist are updated.

    Raises
    ------
    ValueError
        Where the regions were not measured at the places of the layer.
    """
    from napari.layers import Image

    spectra, row, key = layer_spectra(layer), _row(found), region_of(layer).key
    old = {one.metadata["map"]: one for one in composition_maps(viewer, layer)}
    selected = set(viewer.layers.selection)
    place, first = int(viewer.layers.index(layer)) + 1, True
    for k, name in enumerate(row_names(found)):
        values = 100.0 * found["atomic_fraction"].isel({row: k})
        sizes = {fitted_dim(dim, values): spectra.sizes[dim] for dim in pixel_dims(spectra)}
        if sizes != dict(values.sizes):
            raise ValueError(
                "The regions were not measured at the same places, so there is no common map; "
                "leave out the one that differs."
            )
        data, keywords = placed(values, layer, spectra)
        known = old.pop(name, None)
        if known is not None:
            known.data = data
            known.reset_contrast_limits_range()
            known.contrast_limits = _limits(data)
            continue
        if first and not composition_maps(viewer, layer):
            for one in maps_of(viewer, layer):
                one.visible = False
        fresh = Image(
            data,
            **keywords,
            name=f"{layer.name}: {COMPOSITION_NAME}, {name} [at.%]",
            colormap=colormap(MAP_COLORS),
            contrast_limits=_limits(data),
            metadata={"map_of": key, "map": name, "variable": COMPOSITION},
            visible=first,
        )
        show_bar_when_seen(fresh)
        viewer.layers.insert(place, fresh)
        first = False
    for gone in old.values():
        viewer.layers.remove(gone)
    viewer.layers.selection = {one for one in selected if one in viewer.layers}


def composition_maps(viewer: Any, layer: Any) -> list[Any]:
    """The maps of atomic percent that a layer of spectra has."""
    return [one for one in maps_of(viewer, layer) if one.metadata["variable"] == COMPOSITION]


def _limits(data: np.ndarray) -> tuple[float, float]:
    """Contrast limits: from 0 to the largest value."""
    return 0.0, max(float(np.nanmax(data, initial=0.0)), 1.0)


def script(regions: Sequence[Region], pixel: Mapping[str, int] | None, chosen: Choices) -> str:
    """Python code that makes fits and quantification again.

    Parameters
    ----------
    regions : sequence of Region
        Those that are counted.
    pixel : mapping or None
        The chosen spectrum; None for all.
    chosen : Choices

    Raises
    ------
    ValueError
        Where a region cannot be kept in a session.
    """
    import xpsnet
    from napari_xpsnet._session import session_region

    session = xpsnet.Session([session_region(region, []) for region in regions])
    lines = [xpsnet.session_script(session), "# Quantification"]
    names, peaks = [], []
    for number, region in enumerate(regions, start=1):
        names.append(f"peaks_{number}")
        lines.append(f"{names[-1]} = {_peaks_code(region, f'region_{number}', pixel)}")
        peaks.append(peaks_of(region, pixel or {}, whole=pixel is None))
    keywords = call(regions, [one for one in peaks if one is not None], chosen)
    given = "".join(f",\n    {key}={value!r}" for key, value in keywords.items())
    lines += [
        f"found = xpsnet.quantify(\n    [{', '.join(names)}]{given},\n)",
        "print((100 * found.atomic_fraction).round(2).to_series())",
    ]
    return "\n".join(lines) + "\n"


def _peaks_code(region: Region, name: str, pixel: Mapping[str, int] | None) -> str:
    """Code of the peaks of one region."""
    own = pixel_in(region, pixel or {})
    content = None if region.state is None else region.state.content
    if content is None or (pixel is None and own):
        return f"{name}.peaks"
    keys = list(content.single)
    if frozenset(own.items()) in keys:
        return f"{name}.single[{keys.index(frozenset(own.items()))}][1]"
    if not own or content.whole is None:
        return f"{name}.peaks"
    chosen = {fitted_dim(dim, content.whole): index for dim, index in own.items()}
    return f"{name}.peaks.isel({chosen!r}).xps.on_corrected_axis()"
