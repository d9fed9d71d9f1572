"""netCDF, HDF5, NeXus and zarr."""
