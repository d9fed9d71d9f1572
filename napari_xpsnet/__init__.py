"""The napari plugin of xpsnet: readers, samples and the "Fit peaks" dock.

napari imports this package at every start, so that it imports nothing itself. The plugin computes
nothing: each action is one call of a public function of `xpsnet`.
"""
