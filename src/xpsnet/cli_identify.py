"""The command `identify`: its options, and candidates as tables."""

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr
    from rich.table import Table

__all__ = ["add_identify", "candidate_report", "chosen_survey", "identify_options"]

_SURVEY_SPAN = 100.0  # [eV]


def add_identify(
    commands: Any,
    command: Callable[[argparse.Namespace], None],
    add_file_options: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Add the command `identify`."""
    parser = commands.add_parser("identify", help="list the candidate elements of a survey")
    parser.set_defaults(command=command, remove_satellites=None, charge_reference=None)
    add_file_options(parser)
    add = parser.add_argument
    add("--elements", nargs="+", default=[], metavar="SYMBOL", help="elements that are known")
    add("--exclude", nargs="+", default=[], metavar="SYMBOL", help="elements that cannot be there")
    add(
        "--largest-shift",
        type=float,
        default=10.0,
        metavar="EV",
        help="largest common shift of all lines, by charging for instance (default: 10)",
    )
    add(
        "--least-probability",
        type=float,
        default=0.5,
        metavar="P",
        help="leave out candidates below it (default: 0.5)",
    )
    add("--plot", metavar="PATH", help="save the survey with the names: .png, .pdf or .svg")
    add("--overwrite", action="store_true", help="replace a file that exists")


def identify_options(chosen: argparse.Namespace) -> dict[str, Any]:
    """Options of `xpsnet.identify`."""
    names = ("elements", "exclude", "photon_energy", "largest_shift", "least_probability")
    return {name: getattr(chosen, name) for name in names}


def chosen_survey(regions: "Sequence[xr.DataArray]", files: Sequence[str]) -> "xr.DataArray":
    """The survey among the regions: the only one that is wide.

    Raises
    ------
    ValueError
        Where there are several, or none among several regions.
    """

    def span(region: "xr.DataArray") -> float:
        return float(region["energy"].max() - region["energy"].min())

    wide = [one for one in regions if span(one) >= _SURVEY_SPAN]
    if len(regions) == 1 or len(wide) == 1:
        return (wide or list(regions))[0]
    from xpsnet.cli_table import region_choices

    raise ValueError(
        f"expected one survey, got {len(wide)} regions of {_SURVEY_SPAN:g} eV or more in "
        f"{', '.join(files)}; choose one of {region_choices(regions)} with --region"
    )


def candidate_report(candidates: "xr.Dataset") -> "list[str | Table]":
    """Texts and tables of the candidates of one survey or of several.

    Parameters
    ----------
    candidates : Dataset
        As `xpsnet.identify` returns it.

    Returns
    -------
    list of str and Table
        In the order in which they are printed.
    """
    import numpy as np

    from xpsnet.cli_table import table

    if candidates["shift"].ndim == 0:
        return _one_survey(candidates)
    others = [dim for dim in candidates["probability"].dims if dim != "element"]
    likely = candidates["probability"] >= 0.5
    rows = []
    for element in candidates["element"].values:
        one = likely.sel(element=element)
        share = candidates["strength"].sel(element=element).where(one).median(others)
        rows.append([str(element), f"{int(one.sum())}", _percent(float(share))])
    number = int(np.prod([candidates.sizes[dim] for dim in others]))
    head = f"{number} surveys; candidates in single surveys:"
    header = ["element", "surveys", "atoms, roughly"]
    return [head, "", table(header, rows) if rows else "no candidates"]


def _one_survey(candidates: "xr.Dataset") -> "list[str | Table]":
    import numpy as np

    from xpsnet.cli_table import table

    rows = []
    for element in candidates["element"].values:
        one = candidates.sel(element=element)
        found = one["line_found"].values
        names = dict.fromkeys(str(name) for name in one["line_name"].values[found])
        missing = one["line_strong"].values & ~found
        rows.append(
            [
                str(element),
                f"{float(one['probability']):.2f}",
                _percent(float(one["strength"])),
                ", ".join(name.split(" ", 1)[1] for name in names) or "-",
                ", ".join(str(name).split(" ", 1)[1] for name in one["line_name"].values[missing])
                or "-",
                str(one["window_level"].item()) and _window(one),
            ]
        )
    header = ["candidate", "probability", "atoms, roughly", "lines", "missing", "window to fit"]
    parts: list[str | Table] = [table(header, rows) if rows else "no candidates", ""]
    shift, error = float(candidates["shift"]), float(candidates["shift_stderr"])
    if np.isfinite(shift):
        parts.append(f"common shift {shift:+.1f} ± {error:.1f} eV")
    free = candidates["peak_name"].values == ""
    free &= np.isfinite(candidates["peak_energy"].values)
    energies = ", ".join(f"{one:.1f}" for one in candidates["peak_energy"].values[free])
    parts.append(f"peaks without a candidate: {energies + ' eV' if energies else 'none'}")
    return parts


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else "< 1 %" if share > 0 else "-"


def _window(one: "xr.Dataset") -> str:
    low, high = float(one["window_low"]), float(one["window_high"])
    return f"{one['window_level'].item()} {high:.0f} to {low:.0f} eV"
