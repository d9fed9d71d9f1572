"""VAMAS: blocks that belong together are stacks; profiles, maps, series."""

import numpy as np
import pytest
from vamas_writer import Block, counts, vamas

from xpsnet.io.read import read


def test_a_depth_profile_gives_one_stack_per_region(save) -> None:
    blocks = []
    for level in range(12):
        for k, (species, n) in enumerate((("O", 40), ("Sn", 55), ("C", 25))):
            transition = "3d" if species == "Sn" else "1s"
            y = counts(n, seed=100 * k + level)
            blocks.append(
                Block(y, 900.0 + 50 * k, species=species, transition=transition,
                      variables=(30.0 * level**2, float(level)))
            )  # fmt: skip
    labels = [("Etch Time [s]", "s"), ("Etch Level", "d")]
    oxygen, tin, carbon = read(save(vamas(blocks, mode="SDP", variables=labels)))
    assert [s.shape for s in (oxygen, tin, carbon)] == [(12, 40), (12, 55), (12, 25)]
    assert tin.name == "Sn 3d"
    assert tin.dims == ("etch_time", "energy")
    np.testing.assert_array_equal(tin.etch_time, 30.0 * np.arange(12) ** 2)
    assert tin.etch_time.attrs["units"] == "s"
    assert tin.etch_level.dims == ("etch_time",)
    np.testing.assert_array_equal(tin[7], counts(55, seed=107))
    assert tin.attrs["dwell_time"] == 0.1


def test_a_sputter_profile_without_the_sputter_source_is_read_too(save) -> None:
    blocks = [Block(counts(seed=i), variables=(float(i),)) for i in range(3)]
    text = vamas(blocks, mode="SDP", variables=[("Etch Time", "s")], sputter_source=False)
    (stack,) = read(save(text))
    np.testing.assert_array_equal(stack, [counts(seed=i) for i in range(3)])


@pytest.mark.parametrize("positions", [(1, 32768, 32768), (0, 0, 0)], ids=["huge", "none"])
def test_counts_in_a_map_header_mean_nothing(save, positions: tuple[int, int, int]) -> None:
    blocks = [Block(counts(), species="C"), Block(counts(seed=1))]
    text = vamas(blocks, mode="MAP", positions=positions)
    carbon, oxygen = read(save(text))
    assert carbon.shape == oxygen.shape == (40,)
    assert "x" not in carbon.coords


def test_a_map_is_a_stack_over_y_and_x(save) -> None:
    places = [(x, y) for y in range(3) for x in range(4)]
    blocks = [Block(counts(seed=x + 10 * y), position=(x, y)) for x, y in places]
    (image,) = read(save(vamas(blocks, mode="MAP", positions=(12, 4, 3))))
    assert image.dims == ("y", "x", "energy")
    np.testing.assert_array_equal(image.sel(y=2, x=3), counts(seed=23))
    np.testing.assert_array_equal(image.x, range(4))


def test_stage_positions_along_a_line_keep_their_units(save) -> None:
    places = [(1.0 + 0.1 * i, 2.0 - 0.1 * i) for i in range(5)]
    blocks = [Block(counts(seed=i), variables=place) for i, place in enumerate(places)]
    variables = [("PositionX [mm]", "n"), ("PositionY [mm]", "n")]
    (line,) = read(save(vamas(blocks, variables=variables)))
    assert line.dims == ("position", "energy")
    assert line.x.dims == ("position",)
    assert line.x.attrs["units"] == "mm"


def test_two_samples_are_two_spectra_and_repeated_scans_a_stack(save) -> None:
    blocks = [Block(counts(seed=i), sample="A" if i < 3 else "B") for i in range(4)]
    first, second = read(save(vamas(blocks)))
    assert first.dims == ("scan", "energy")
    assert first.sizes["scan"] == 3
    assert second.shape == (40,)
    assert (first.attrs["sample"], second.attrs["sample"]) == ("A", "B")


def test_times_and_scans_that_change_within_a_stack_are_coordinates(save) -> None:
    blocks = [
        Block(counts(seed=i), variables=(10.0 * i,), n_scans=i + 1, date=(2024, 1, 1, 0, i, 0))
        for i in range(3)
    ]
    (stack,) = read(save(vamas(blocks, variables=[("Tilt Angle", "deg")])))
    assert stack.dims == ("tilt_angle", "energy")
    np.testing.assert_array_equal(stack.n_scans, [1, 2, 3])
    assert "n_scans" not in stack.attrs
    assert stack.acquired.values.tolist()[2] == "2024-01-01T00:02:00"


def test_an_angle_series_of_regions_of_different_lengths_keeps_the_transmission(save) -> None:
    blocks = []
    for angle in (0.0, 25.0, 50.0, 75.0):
        for species, n in (("O", 40), ("C", 25)):
            transmission = (np.linspace(2, 1, n) + angle / 100).tolist()
            more = [("Transmission", "d", transmission)]
            y = counts(n, seed=int(angle))
            blocks.append(Block(y, species=species, variables=(angle,), more=more))
    oxygen, carbon = read(save(vamas(blocks, mode="SDPSV", variables=[("Angle", "deg")])))
    for stack, n in ((oxygen, 40), (carbon, 25)):
        assert stack.dims == ("angle", "energy")
        assert stack.transmission.dims == ("angle", "energy")
        np.testing.assert_array_equal(stack[2], counts(n, seed=50))
        np.testing.assert_allclose(stack.transmission[2], np.linspace(2, 1, n) + 0.5)


def test_a_profile_of_a_thousand_blocks_is_read_whole(save) -> None:
    values = [counts(30, seed=i) for i in range(4)]
    blocks = [
        Block(values[k], species=species, variables=(10.0 * level,))
        for level in range(250)
        for k, species in enumerate(("O", "C", "N", "Si"))
    ]
    stacks = read(save(vamas(blocks, mode="SDP", variables=[("Etch Time", "s")])))
    assert [stack.shape for stack in stacks] == [(250, 30)] * 4
    for k, stack in enumerate(stacks):
        np.testing.assert_array_equal(stack, np.broadcast_to(values[k], (250, 30)))
        np.testing.assert_array_equal(stack.etch_time, 10.0 * np.arange(250))
