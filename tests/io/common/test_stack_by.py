"""`read(..., by="sample")`, and samples that keep their identity in stacks, lists and tables."""

import h5py
import numpy as np
import pytest
import xarray as xr
from vamas_writer import Block, counts, vamas

from napari_xpsnet._reader import read_layers
from xpsnet.cli import main
from xpsnet.io.common.errors import ReadError
from xpsnet.io.common.region_names import label_identity
from xpsnet.io.common.stacking import Block as Measured
from xpsnet.io.common.stacking import stack_blocks
from xpsnet.io.read import read, read_one
from xpsnet.io.write import write


def samples(n: int = 6, **more) -> str:
    """One region on many samples, the third of them with a longer range."""
    return vamas([Block(counts(12 + (i == 2), seed=i), sample=f"S{i}", **more) for i in range(n)])


def test_one_region_on_six_samples_is_one_stack(save) -> None:
    path = save(samples())
    assert len(read(path)) == 6
    (stack,) = read(path, by="sample")
    assert stack.dims == ("sample", "energy")
    assert stack.shape == (6, 13)
    for i in range(6):
        row = stack.sel(sample=f"S{i}")
        np.testing.assert_array_equal(row[: 12 + (i == 2)], counts(12 + (i == 2), seed=i))
        assert np.isnan(row[12]) == (i != 2)
    xr.testing.assert_identical(stack, read_one(path, "O 1s", by="sample"))


def test_a_stack_by_sample_keeps_what_differs_as_coordinates(save) -> None:
    text = vamas([Block(counts(12), sample=f"S{i}", dwell_time=0.1 * (i + 1)) for i in range(3)])
    (stack,) = read(save(text), by="sample")
    np.testing.assert_allclose(stack.dwell_time, [0.1, 0.2, 0.3])
    assert "dwell_time" not in stack.attrs
    assert stack.attrs["pass_energy"] == 20.0


def test_other_dimensions_stay_within_a_stack_by_sample(save) -> None:
    blocks = [
        Block(counts(12, seed=10 * i + k), sample=f"S{i}", variables=(float(k),))
        for i in range(2) for k in range(3)
    ]  # fmt: skip
    text = vamas(blocks, mode="SDP", variables=[("Etch Time", "s")])
    (stack,) = read(save(text), by="sample")
    assert stack.dims == ("sample", "etch_time", "energy")
    np.testing.assert_array_equal(stack[1, 2], counts(12, seed=12))


def test_regions_and_photon_energies_are_not_mixed(save) -> None:
    blocks = [
        Block(counts(12), sample=f"S{i}", species=one, photon_energy=hv)
        for i in range(2) for one, hv in (("O", 1486.6), ("C", 1486.6), ("O", 1253.6))
    ]  # fmt: skip
    stacks = read(save(vamas(blocks)), by="sample")
    assert [(s.name, s.attrs["photon_energy"]) for s in stacks] == [
        ("O 1s", 1486.6), ("C 1s", 1486.6), ("O 1s", 1253.6)
    ]  # fmt: skip
    assert all(s.sizes["sample"] == 2 for s in stacks)


def test_files_are_a_dimension_too(tmp_path) -> None:
    for i in range(3):
        (tmp_path / f"{i}.vms").write_text(vamas([Block(counts(12, seed=i), sample=f"S{i}")]))
    (by_file,) = read(tmp_path, by="file")
    assert by_file.file.values.tolist() == ["0.vms", "1.vms", "2.vms"]
    (by_sample,) = read(tmp_path, by="sample")
    assert by_sample.dims == ("sample", "energy")
    np.testing.assert_array_equal(by_sample.sel(sample="S1"), counts(12, seed=1))


def test_a_stack_by_sample_is_stored_and_read_again(save, tmp_path) -> None:
    (stack,) = read(save(samples()), by="sample")
    write(stack, tmp_path / "a.nc")
    xr.testing.assert_identical(read(tmp_path / "a.nc")[0], stack)


def test_what_cannot_be_stacked_by_is_refused(save) -> None:
    path = save(samples())
    with pytest.raises(ReadError, match=r"attribute or coordinate 'etch_time'.*sample"):
        read(path, by="etch_time")
    for wrong in ("", "energy", 3):
        with pytest.raises(ValueError, match="name of an attribute or coordinate"):
            read(path, by=wrong)


def test_a_message_tells_regions_of_one_name_apart(save) -> None:
    with pytest.raises(ReadError, match=r"sample 'S0'.*sample 'S5'") as caught:
        read_one(save(samples()))
    assert 'by="sample"' in str(caught.value)
    blocks = [Block(counts(12), species="S", transition="2p", identifier=f"S2p {n}", sample="")
              for n in ("left", "right")]  # fmt: skip
    with pytest.raises(ReadError, match=r"as 'S2p left'.*as 'S2p right'"):
        read_one(save(vamas(blocks)))


def test_info_names_the_samples(save, capsys) -> None:
    assert main(["info", str(save(samples(2)))]) == 0
    table = capsys.readouterr().out.split("\n\n")[0]
    assert "sample" in table.splitlines()[0]
    assert [line.split()[-1] for line in table.splitlines()[1:]] == ["S0", "S1"]


@pytest.mark.parametrize(
    ("label", "identity"),
    [
        ("C 1s", ""),
        ("1: C 1s", ""),
        ("C 1s/9", ""),
        ("C 1s scan 3", ""),
        ("C1s Pos 2", ""),
        ("C 1s A", "a"),
        ("C1s_sample 2", "_sample 2"),
        ("1:1 Cu:Ru Cu2p", "1:1 cu:ru"),
        ("2:1 Cu:Ru Cu2p", "2:1 cu:ru"),
        ("wide", ""),
        ("", ""),
    ],
)
def test_what_a_label_states_beside_the_region(label: str, identity: str) -> None:
    assert label_identity(label) == identity


def measured(label: str, seed: int = 0) -> Measured:
    energy = np.arange(12.0)
    return Measured("Cu 2p", label, energy, counts(12, seed=seed), "binding", "counts")


@pytest.mark.parametrize(
    "labels", [("1:1 Cu:Ru Cu2p", "2:1 Cu:Ru Cu2p"), ("Cu2p A", "Cu2p B"), ("Cu2p", "Cu2p old")]
)
def test_two_samples_are_not_two_scans(labels: tuple[str, str]) -> None:
    spectra = stack_blocks([measured(label, i) for i, label in enumerate(labels)])
    assert [s.attrs["region_original"] for s in spectra] == list(labels)
    assert all(s.dims == ("energy",) for s in spectra)


def test_scans_keep_the_names_that_the_file_gives_them() -> None:
    (stack,) = stack_blocks([measured(f"{i}: Cu2p", i) for i in (1, 2, 3)])
    assert stack.dims == ("scan", "energy")
    assert stack.region_original.values.tolist() == ["1: Cu2p", "2: Cu2p", "3: Cu2p"]
    (stack,) = stack_blocks([measured("Cu2p", i) for i in (1, 2)])
    assert stack.attrs["region_original"] == "Cu2p"


@pytest.mark.parametrize("asked", ["Cu 2p", "cu2p", "Cu2p3", "Cu 2p3/2"])
def test_a_level_finds_its_line(save, asked: str) -> None:
    text = vamas([Block(counts(12), species="Cu", transition="2p3"), Block(counts(12))])
    assert read_one(save(text), region=asked).name == "Cu 2p3/2"


def test_the_command_line_and_the_viewer_tell_samples_apart(save, capsys) -> None:
    path = save(samples(3))
    assert main(["fit", str(path)]) == 2
    expected = 'choose one of 0: "O 1s" (S0), 1: "O 1s" (S1), 2: "O 1s" (S2) with --region'
    assert expected in capsys.readouterr().err
    (layer,) = read_layers(str(path))  # one layer a file, which shows one region at a time
    assert list(layer[1]["metadata"]["file"].samples()) == ["S0", "S1", "S2"]


def test_the_command_line_stacks_and_names_dimensions(save, tmp_path, capsys) -> None:
    assert main(["info", str(save(samples(3))), "--by", "sample"]) == 0
    assert "sample 3, 13 points" in capsys.readouterr().out
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["y"], file["a"], file["b"] = np.ones((3, 12)), np.arange(3.0), np.arange(12.0)
    for words in (["angle=a", "energy=b"], ["angle", "energy"]):
        options = [option for word in words for option in ("--axes", word)]
        assert main(["info", str(tmp_path / "a.h5"), "--scale", "kinetic", *options]) == 0
        assert "angle 3, 12 points" in capsys.readouterr().out
