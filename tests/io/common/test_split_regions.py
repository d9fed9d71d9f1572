"""Names of a header row belong each to its column."""

import numpy as np
import pytest

from xpsnet.io.read import read
from xpsnet.xpsnet_warning import XpsnetWarning

ENERGY = np.round(298.0 - 0.1 * np.arange(40), 2)


def wide(labels: list[str]) -> str:
    """A table of one column of energies and a column of counts for each label."""
    values = np.random.default_rng(0).poisson(300.0, (40, len(labels)))
    rows = [",".join(map(str, (energy, *row))) for energy, row in zip(ENERGY, values, strict=True)]
    return "\n".join([",".join(["Binding Energy (eV)", *labels]), *rows, ""])


def test_columns_of_different_regions_are_regions(save) -> None:
    spectra = read(save(wide(["C 1s", "O1s", "N 1s (a)"]), "a.csv"))
    assert [s.name for s in spectra] == ["C 1s", "O 1s", "N 1s"]
    assert [s.attrs["region_original"] for s in spectra] == ["C 1s", "O1s", "N 1s (a)"]
    values = np.random.default_rng(0).poisson(300.0, (40, 3))
    for i, spectrum in enumerate(spectra):
        assert spectrum.dims == ("energy",)
        np.testing.assert_array_equal(spectrum, values[:, i])
    assert read(save(wide(["C 1s", "O1s"]), "a.csv"), region="O 1s")[0].name == "O 1s"


@pytest.mark.parametrize("labels", [["C 1s A", "C 1s B"], ["C 1s left", "C 1s right"], ["a", "b"]])
def test_columns_of_one_region_stay_a_stack(save, labels: list[str]) -> None:
    (stack,) = read(save(wide(labels), "a.csv"))
    assert stack.dims == ("column", "energy")
    assert stack.column.values.tolist() == labels


def test_a_column_without_a_region_beside_one_is_said_not_to_be_read(save) -> None:
    path = save(wide(["C 1s", "left spot"]), "a.csv")
    with pytest.warns(XpsnetWarning, match=r"'left spot' at line 2 is no spectrum.*columns="):
        (spectrum,) = read(path)
    assert (spectrum.name, spectrum.dims) == ("C 1s", ("energy",))
    (stack,) = read(path, columns={"spectrum": ["C 1s", "left spot"]})
    assert stack.dims == ("column", "energy")


@pytest.mark.parametrize("between", ["K 2p", "K2p,", "# K 2p"])
def test_a_region_that_is_named_between_two_tables_begins_there(save, between: str) -> None:
    """Also where its energies go on in those of the region before it."""
    rows = [f"{energy},{i}" for i, energy in enumerate(ENERGY)]
    text = "\n".join(["C 1s", *rows[:20], between, *rows[20:], ""])
    spectra = read(save(text, "a.csv"), scale="binding")
    assert [(s.name, s.size) for s in spectra] == [("C 1s", 20), ("K 2p", 20)]
