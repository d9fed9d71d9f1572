"""Links and limits as people write them, and as the library takes and shows them."""

import pytest

import xpsnet
from napari_xpsnet._constraint_text import limits_of_text, link_of_text
from xpsnet.samples import sample_truth


@pytest.mark.parametrize(
    ("text", "parameter", "link"),
    [
        ("= peak 1 + 1.18 eV", "center", "center_1 + 1.18"),
        ("=1-0.6", "center", "center_1 - 0.6"),
        ("= 0.5 x area of peak 1", "area", "0.5 * area_1"),
        ("= 0.75 * 2", "area", "0.75 * area_2"),
        ("= fwhm of peak 1", "fwhm", "fwhm_1"),
        ("= peak 1 + (1.1 to 1.3) eV", "center", "center_1 + (1.1 , 1.3)"),
        ("= height of peak 1 x (0.4 to 0.6)", "height", "height_1 * (0.4 , 0.6)"),
    ],
)
def test_links(text: str, parameter: str, link: str) -> None:
    assert link_of_text(text, parameter) == link


@pytest.mark.parametrize(
    ("parameter", "link"),
    [
        ("center", "center_1 + 1.7"),
        ("center", "center_1 + (1.5, 1.9)"),
        ("area", "0.5 * area_1"),
        ("area", "area_1 * (0.2, 0.6)"),
        ("fwhm", "fwhm_1"),
        ("fwhm", "1.1 * fwhm_1"),
    ],
)
def test_the_text_of_the_library_is_a_link_again(parameter: str, link: str) -> None:
    peaks = xpsnet.constrain_peak(sample_truth("spectrum"), 2, parameter, link=link)
    rule = peaks.xps.peak_limits()[2, parameter]
    again = xpsnet.constrain_peak(peaks, 2, parameter, link=link_of_text(rule.text, parameter))
    assert again.xps.peak_limits()[2, parameter].link == rule.link


@pytest.mark.parametrize("text", ["= ", "= peak", "= peak 1 +", "= peak 1 + x", "= 1 2", "peak 1"])
def test_what_is_no_link(text: str) -> None:
    with pytest.raises(ValueError, match="expected a link such as"):
        link_of_text(text, "center")


@pytest.mark.parametrize(
    ("text", "limits"),
    [("284 to 286", (284.0, 286.0)), ("284 to", (284.0, None)), ("to 0.001", (None, 0.001))],
)
def test_limits(text: str, limits: tuple[float | None, float | None]) -> None:
    assert limits_of_text(text) == limits


@pytest.mark.parametrize("text", ["284", "a to b", "1 to 2 to 3"])
def test_what_are_no_limits(text: str) -> None:
    with pytest.raises(ValueError, match="expected limits such as"):
        limits_of_text(text)
