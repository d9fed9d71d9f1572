"""Report on a network: every figure of the page exists and belongs to this network."""

import re
from pathlib import Path

import numpy as np
import pytest

from xpsnet.models.weights import load_model
from xpsnet.training import model_report
from xpsnet.training.evaluation import assess, training_recipe


def test_page_with_its_figures(tmp_path: Path) -> None:
    by_hand = "\n## States of doublets\n\nNot that.\n\n## And\n\nthis.\n"
    (tmp_path / "models.md").write_text(f"# Old\n\nAnother page.\n{by_hand}")
    page = model_report.write_report("default", tmp_path, n=300)
    text = page.read_text()
    assert page == tmp_path / "models.md"
    for image in re.findall(r"!\[.*\]\((.*)\)", text):
        assert (tmp_path / image).stat().st_size > 5000
    model = load_model("default")
    found = assess(model, training_recipe(model), n=300, seed=model_report.SEED)
    share = f"{100 * found.right.mean():.1f} %"
    assert f"| all | 300 | {share} |" in text
    assert model.version in text
    assert "recipe: noise" in text
    assert text.endswith(by_hand)
    assert "Another page" not in text


def test_groups_hold_every_spectrum_once() -> None:
    values = np.array([0.0, 0.2, 0.5, 3.0])
    groups = model_report._groups(values, (0.0, 0.2, 1.0, np.inf), values < 2)
    assert [name for name, _ in groups] == ["0 to 0.2", "0.2 to 1", "above 1"]
    assert [int(members.sum()) for _, members in groups] == [1, 2, 0]


def test_the_papers_network_has_another_page(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="architecture 'default', got 'park2020'"):
        model_report.write_report("park2020", tmp_path, n=10)
