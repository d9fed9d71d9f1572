"""Finished spectra from the contents of files and the keywords of `read`."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import xarray as xr

from xpsnet.data.energy_axis import checked_scale
from xpsnet.data.satellites import anode_without_monochromator, source_text
from xpsnet.data.spectrum import check_spectra, shift
from xpsnet.io.common.chosen_axes import Axes
from xpsnet.io.common.errors import ReadError, shown
from xpsnet.io.common.multi_file import Draft, stack_files, without_copies
from xpsnet.io.common.region_names import chosen_regions
from xpsnet.io.common.split_regions import split_regions
from xpsnet.io.common.stack_by import stack_by
from xpsnet.io.common.sum_over import checked_dims, fold

# Attributes that name the sample of a region in a list.
_SAMPLE = ("sample", "group")


class Keywords(NamedTuple):
    """Checked keywords of `read`."""

    scale: str | None
    photon_energy: float | None
    energy_offset: float
    sum_over: tuple[str, ...] = ()
    by: str | None = None
    axes: Axes | None = None
    columns: Mapping[str, object] = MappingProxyType({})  # roles of the columns of a table


def checked(
    scale: str | None,
    photon_energy: float | None,
    energy_offset: float,
    sum_over: str | Iterable[str] | None = None,
) -> Keywords:
    """Check the keywords of `read`.

    Raises
    ------
    ValueError
        If one is out of its range.
    """
    if scale is not None:
        scale = checked_scale(scale)
    return Keywords(
        scale,
        None if photon_energy is None else float(photon_energy),
        float(energy_offset),
        checked_dims(sum_over),
    )


def finish(
    drafts: list[Draft],
    keywords: Keywords,
    region: str | int | None,
    notes: list[str],
    *,
    single: bool,
) -> list[xr.DataArray]:
    """Stack files, choose the regions, apply the keywords.

    Parameters
    ----------
    drafts : list of Draft
        All spectra of all files.
    keywords : Keywords
    region : str, int or None
        As for `read`.
    notes : list of str
        Assumptions are added to it.
    single : bool
        Whether exactly one spectrum is wanted.

    Returns
    -------
    list of DataArray

    Raises
    ------
    ReadError
        If the region or a dimension to fold does not exist, or with `single` not exactly one
        spectrum is found.
    """
    drafts = split_regions(drafts)
    if len({draft.path for draft in drafts}) > 1:
        drafts = stack_files(without_copies(drafts, notes))
    drafts = _chosen(drafts, region, single and keywords.by is None)
    scale = keywords.scale
    unstated = [d for d in drafts if scale is None and "scale" not in d.spectrum.attrs]
    if unstated:
        others = f" and {len(unstated) - 1} more spectra" if len(unstated) > 1 else ""
        notes.append(
            f"{unstated[0].path}{others}: the energy scale is not stated, binding energy is "
            f'assumed; say scale="binding" or scale="kinetic"'
        )
    known = None if scale == "fermi" else scale  # which `check_spectra` mentions by itself
    against = [d for d in drafts if known not in (None, d.spectrum.attrs.get("scale", known))]
    if against:
        notes.append(
            f"{against[0].path}: states {against[0].spectrum.attrs['scale']} energy, but is read "
            f"as {scale} energy, as scale= demands; xpsnet.to_{scale} converts"
        )
    notes += _satellites(drafts)
    spectra = [_finished(draft, keywords) for draft in _named(drafts)]
    if keywords.sum_over:
        spectra = fold(spectra, keywords.sum_over, drafts[0].path)
    if keywords.by is not None:
        spectra = stack_by(spectra, keywords.by, drafts[0].path)
        if single and len(spectra) > 1:
            _chosen(
                [Draft(drafts[0].path, spectrum, False) for spectrum in spectra], region, single
            )
    return spectra


def _satellites(drafts: list[Draft]) -> list[str]:
    """Sentences that offer to remove satellites, one for each source without monochromator."""
    files = {
        source_text(draft.spectrum): draft.path for draft in reversed(drafts)
        if not draft.stored_by_us and "satellites_removed" not in draft.spectrum.attrs
        and anode_without_monochromator(source_text(draft.spectrum))
    }  # fmt: skip
    return [
        f"{path}: the X-ray source {shown(source)} has no monochromator: every line has weak "
        f"satellites at lower binding energy; xpsnet.remove_satellites(spectra) removes them"
        for source, path in sorted(files.items())
    ]


def _chosen(drafts: list[Draft], region: str | int | None, single: bool) -> list[Draft]:
    """Drafts of a region; a single spectrum without a name gets the name that is asked for."""
    if isinstance(region, str) and len(drafts) == 1 and drafts[0].spectrum.name is None:
        named = drafts[0].spectrum.copy(deep=False)
        named.name = region
        return [drafts[0]._replace(spectrum=named)]
    both = [(d.spectrum.name, d.spectrum.attrs.get("region_original")) for d in drafts]
    names = [[str(name) for name in own if name] for own in both]
    listed = [_shown(draft) for draft in drafts]
    repeated = {text for text, n in Counter(listed).items() if n > 1}
    listed = [
        text + _original(draft) if text in repeated else text
        for text, draft in zip(listed, drafts, strict=True)
    ]
    found = chosen_regions(drafts[0].path, region, names, listed, single=single)
    return [drafts[i] for i in found]


def _shown(draft: Draft) -> str:
    """Name a draft in a list."""
    spectrum = draft.spectrum
    axis = spectrum["energy"].values
    name, units = spectrum.name or "unnamed", spectrum.attrs.get("units", "counts")
    named = [f"{key} {shown(value, 30)}" for key in _SAMPLE if (value := spectrum.attrs.get(key))]
    return f'"{name}" ({", ".join([f"{axis[0]:g} to {axis[-1]:g} eV", units, *named])})'


def _original(draft: Draft) -> str:
    """What the file calls a region that others have the name of, too."""
    original = draft.spectrum.attrs.get("region_original", "")
    return f" as {shown(original, 40)}" if original and original != draft.spectrum.name else ""


def _named(drafts: list[Draft]) -> list[Draft]:
    """Name spectra whose file names no region after the file."""
    nameless = Counter(d.path for d in drafts if d.spectrum.name is None and not d.stored_by_us)
    numbers: Counter[Path] = Counter()
    named = []
    for draft in drafts:
        spectrum = draft.spectrum
        if spectrum.name is None and not draft.stored_by_us:
            stem = draft.path.stem or draft.path.resolve().name
            numbers[draft.path] += 1
            spectrum = spectrum.copy(deep=False)
            alone = nameless[draft.path] == 1
            spectrum.name = stem if alone else f"{stem} {numbers[draft.path]}"
        named.append(draft._replace(spectrum=spectrum))
    return named


def _finished(draft: Draft, keywords: Keywords) -> xr.DataArray:
    """Apply the keywords to one draft."""
    spectrum = draft.spectrum
    attrs = dict(spectrum.attrs)
    attrs["scale"] = keywords.scale or attrs.get("scale", "binding")
    if keywords.photon_energy is not None:
        attrs["photon_energy"] = keywords.photon_energy
    if not draft.stored_by_us:
        attrs.setdefault("source_file", draft.path.name)
        attrs.setdefault("units", "counts")
    spectrum = spectrum.copy(deep=False)
    spectrum.attrs = attrs
    if keywords.scale not in (None, draft.spectrum.attrs.get("scale")):
        # Without its old texts the axis gets those of the new scale.
        spectrum = spectrum.assign_coords(energy=("energy", spectrum["energy"].values))
    try:
        spectrum = check_spectra(spectrum)
        return shift(spectrum, keywords.energy_offset) if keywords.energy_offset else spectrum
    except (ValueError, TypeError) as error:
        raise ReadError(f"{draft.path}, region {spectrum.name}: {error}") from error
