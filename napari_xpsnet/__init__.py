"""The viewer's side of xpsnet: readers, samples and the "Fit peaks" dock for napari.

Importing this package costs nothing: napari looks at it at every start. The modules behind it
hold no numerics; everything that is computed is one call of a public name of `xpsnet`.
"""
