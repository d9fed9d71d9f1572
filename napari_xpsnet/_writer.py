"""Writer for napari: the spectra of a layer as netCDF, which xarray and napari can read."""

from pathlib import Path
from typing import Any

import xarray as xr

from napari_xpsnet._layers import FILE, take_data


def write_spectra(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write the DataArray of one layer to `<name>.xps.nc`.

    Raises
    ------
    ValueError
        If the layer has no spectra; images can be saved as TIFF or PNG.
    """
    import xpsnet

    metadata = dict(attributes.get("metadata", {}))
    metadata.pop(FILE, None)
    take_data(data, metadata, str(attributes.get("name")))
    spectra = data if isinstance(data, xr.DataArray) else metadata.get("dataarray")
    if not isinstance(spectra, xr.DataArray):
        raise ValueError(
            f'expected a layer with spectra, got the image "{attributes.get("name")}"; '
            f"save it as .tif or .png"
        )
    target = ours(path)
    # napari's dialog has asked to replace the name that was typed, no other.
    xpsnet.write(spectra, target, overwrite=target == Path(path))
    return [str(target)]


def ours(path: str | Path) -> Path:
    """Path with the double extension .xps.nc, which our reader recognizes."""
    path = Path(path)
    if path.suffix.lower() == ".nc" and not path.name.lower().endswith(".xps.nc"):
        return path.with_suffix(".xps.nc")
    return path
