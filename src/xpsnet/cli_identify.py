"""Options of the command `identify`."""

import argparse
from collections.abc import Callable
from typing import Any

__all__ = ["add_identify", "add_state_names", "identify_options"]


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


def add_state_names(parser: argparse.ArgumentParser) -> None:
    """Add the option of candidates for the names of states."""
    parser.add_argument(
        "--state-names",
        nargs="?",
        const="",
        metavar="TOML",
        help="print candidates for the name of each chemical state, from a table with sources; or"
        " from a TOML file of your own, too",
    )
