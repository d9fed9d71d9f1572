"""The benchmark of refinement runs at toy size, so that it cannot rot."""

import pytest
from bench_refine import agreement, main, speed, starts, truth


def test_agreement_is_told_in_percent():
    found = agreement(12)
    assert found["spectra"] == 12
    assert found["chi-square not above lmfit's by 1e-4 [%]"] >= 75


def test_starts_lead_to_one_optimum():
    assert starts(20)["all [%]"] >= 80


def test_errors_are_about_the_bound():
    found = truth(64)
    assert 0.7 < found["center: median / bound"] < 1.4
    assert 50 < found["center: 68 % intervals [%]"] < 85


def test_speed_is_compared_with_the_lightest_lmfit():
    found = speed(4)
    rates = {name: rate for name, rate in found.items() if not name.endswith(" / lightest")}
    assert {"lmfit, its own models", "scipy, same Jacobian", "xpsnet.refine"} <= rates.keys()
    assert found["lmfit, lightest function / lightest"] == 1.0
    for name, rate in rates.items():
        expected = rate / rates["lmfit, lightest function"]
        assert found[f"{name} / lightest"] == pytest.approx(expected)


def test_sections_are_chosen_by_name(capsys):
    assert list(main(["starts", "--spectra", "10"])) == ["starts"]
    assert "all [%]" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["nothing"])
