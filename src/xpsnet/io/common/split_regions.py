"""Columns of one table that are different regions: a spectrum each, with its own name."""

from collections.abc import Sequence

import xarray as xr

from xpsnet.io.common.multi_file import Draft
from xpsnet.io.common.region_names import find_region

_DIM = "column"


def split_regions(drafts: Sequence[Draft]) -> list[Draft]:
    """Take stacks apart whose columns are labeled with different regions.

    Parameters
    ----------
    drafts : sequence of Draft

    Returns
    -------
    list of Draft
        A stack over `column` stays one where its labels name one region, or where one of them
        names none.
    """
    split: list[Draft] = []
    for draft in drafts:
        regions = _regions(draft.spectrum)
        if draft.stored_by_us or None in regions or len(set(regions)) < 2:
            split.append(draft)
            continue
        for i, region in enumerate(regions):
            one = draft.spectrum.isel({_DIM: i})
            label = str(one[_DIM].item())
            one = one.drop_vars(_DIM).assign_attrs(region_original=label)
            one.name = region
            split.append(draft._replace(spectrum=one))
    return split


def _regions(spectrum: xr.DataArray) -> list[str | None]:
    """Region that the label of each column names; empty where the columns have no labels."""
    if _DIM not in spectrum.dims or _DIM not in spectrum.coords:
        return []
    labels = spectrum[_DIM].values
    if labels.dtype.kind not in "UO":
        return []
    return [find_region(str(label)) for label in labels.tolist()]
