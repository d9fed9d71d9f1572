"""Command line of xpsnet: one function per command, each a few calls of the library.

What a user can mend (a missing file, a file that cannot be read, a choice that does not exist)
ends in one sentence on stderr and exit code 2. Warnings are one line each.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpsnet import __version__

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["main"]

RESULT_SUFFIXES = (".csv", ".h5", ".hdf5", ".nc", ".nc4", ".nxs", ".vms", ".xlsx", ".zarr")
SUFFIXES_WITH_SPECTRA = (".nxs", ".vms", ".xlsx")
FIGURE_SUFFIXES = (".pdf", ".png", ".svg")
USER_ERROR = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after the program's name; those of the process by default.

    Returns
    -------
    int
        Exit code: 0, 2 where the user has to mend something, 130 where the user stopped it.
    """
    chosen = _parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = _show_warning
        try:
            chosen.command(chosen)
        except (ValueError, OSError, ArithmeticError) as error:
            if chosen.debug:
                raise
            print(f"xpsnet: {_one_line(error)}", file=sys.stderr)
            return USER_ERROR
        except KeyboardInterrupt:
            print("xpsnet: stopped", file=sys.stderr)
            return INTERRUPTED
    return 0


def run_fit(chosen: argparse.Namespace) -> None:
    """Find, refine and print the peaks of a file."""
    from xpsnet.cli_table import peak_report
    from xpsnet.io.write import write

    # A long fit must not end with a name that cannot be written.
    _check_names(chosen.output, RESULT_SUFFIXES)
    _check_names([chosen.plot] if chosen.plot else [], FIGURE_SUFFIXES)
    spectra = _one_region(chosen)
    _check_vamas(chosen.output, spectra)
    peaks = _peaks(spectra, chosen)
    print(f"{spectra.name or 'spectra'} of {', '.join(chosen.file)}")
    print(peak_report(peaks))
    for path in chosen.output:
        with_spectra = path.lower().endswith(SUFFIXES_WITH_SPECTRA)
        write(peaks, path, spectra=spectra if with_spectra else None)
        print(f"wrote {path}")
    if chosen.plot:
        from xpsnet.plotting import plot

        plot(spectra, peaks).savefig(chosen.plot, dpi=200)
        print(f"wrote {chosen.plot}")


def _check_vamas(paths: Sequence[str], spectra: "xr.DataArray") -> None:
    """Refuse VAMAS before the fit where the components could not be written after it."""
    kinetic = spectra.attrs["scale"] == "kinetic" or "photon_energy" in spectra.attrs
    if not kinetic and any(path.lower().endswith(".vms") for path in paths):
        raise ValueError(
            "expected a photon energy, because the components in a VAMAS file are kinetic; say "
            "--photon-energy 1486.6"
        )


def _peaks(spectra: "xr.DataArray", chosen: argparse.Namespace) -> "xr.Dataset":
    """Peaks of the spectra, refined or as the network gives them."""
    options: dict[str, Any] = {
        "model": chosen.model,
        "n_peaks": chosen.peaks,
        "energy_range": tuple(chosen.range) if chosen.range else None,
        # A bar is for a person: in a log or a pipe it would be a page of fragments.
        "progress": sys.stderr.isatty(),
    }
    if chosen.background:
        options["background"] = chosen.background
    if not chosen.refine:
        from xpsnet.models.prediction import predict

        return predict(spectra, **options)
    if chosen.line_shape:
        options["line_shape"] = chosen.line_shape
    from xpsnet.pipeline.fit import fit

    return fit(spectra, **options)


def run_info(chosen: argparse.Namespace) -> None:
    """Print what a file holds."""
    from xpsnet.cli_table import describe_spectra

    for spectra in _regions(chosen):
        print(describe_spectra(spectra))


def run_train(chosen: argparse.Namespace) -> None:
    """Train a network and save it."""
    from xpsnet.training.export import export
    from xpsnet.training.train import train

    folder = train(
        chosen.name,
        chosen.out,
        resume=chosen.resume,
        spectra=chosen.spectra,
        minutes=chosen.minutes,
    )
    model = export(folder, folder)
    card = model.folder / f"{model.name}.json"
    print(f"wrote {card}; use it with: xpsnet fit FILE --model {card}")


def run_evaluate(chosen: argparse.Namespace) -> None:
    """Measure a network on simulated spectra with known truth."""
    if chosen.report:
        from xpsnet.training.model_report import write_report

        print(f"wrote {write_report(chosen.name, chosen.report)}")
        return
    from xpsnet.training.evaluation import evaluate

    print(evaluate(chosen.name))


def run_models(chosen: argparse.Namespace) -> None:
    """List the networks that are at hand."""
    from xpsnet.models.weights import list_models, load_model

    for name in list_models():
        model = load_model(name)
        recipe, seen = model.card["recipe"], model.card["spectra_seen"] / 1e6
        peaks = f"{recipe['min_peaks']} to {recipe['max_peaks']} peaks"
        print(f"{name:<12}{peaks}, trained on {seen:.1f} million spectra, version {model.version}")


def _regions(chosen: argparse.Namespace) -> "list[xr.DataArray]":
    """Regions of the named files, with what the user says about them."""
    from xpsnet.io.read import read

    path = chosen.file[0] if len(chosen.file) == 1 else list(chosen.file)
    spectra = read(
        path,
        region=chosen.region,
        scale=chosen.scale,
        photon_energy=chosen.photon_energy,
        energy_offset=chosen.energy_offset,
        sum_over=chosen.sum_over,
    )
    return spectra if isinstance(spectra, list) else [spectra]


def _one_region(chosen: argparse.Namespace) -> "xr.DataArray":
    """The one region to fit."""
    regions = _regions(chosen)
    if len(regions) == 1:
        return _as_shown(_cleaned(regions[0], chosen.remove_satellites), chosen.show)
    names = ", ".join(f'"{spectra.name}"' for spectra in regions)
    raise ValueError(
        f"expected one region to fit, got {len(regions)} in {', '.join(chosen.file)};"
        f" choose one of {names} with --region"
    )


def _cleaned(spectra: "xr.DataArray", source: str | None) -> "xr.DataArray":
    """Spectra without the X-ray satellites of a source; "auto" is what the file tells."""
    if source is None:
        return spectra
    from xpsnet.data.satellites import remove_satellites

    return remove_satellites(spectra, source=None if source == "auto" else source)


def _as_shown(spectra: "xr.DataArray", scale: str | None) -> "xr.DataArray":
    """Spectra on the scale asked for; by default that of binding energy, if it is known."""
    from xpsnet.data.spectrum import to_binding, to_kinetic

    if scale == "kinetic":
        return to_kinetic(spectra)
    return to_binding(spectra) if scale or "photon_energy" in spectra.attrs else spectra


def _check_names(paths: Sequence[str], suffixes: Sequence[str]) -> None:
    """Refuse files that could not be written in the end."""
    for path in map(Path, paths):
        if path.suffix.lower() not in suffixes:
            raise ValueError(
                f"expected a file name that ends with {', '.join(suffixes)}, got {str(path)!r}"
            )
        if not path.parent.is_dir():
            raise ValueError(f"expected an existing folder, got {str(path.parent)!r}; create it")


def _region(text: str) -> int | str:
    """Name of a region, or its place in the file."""
    return int(text) if text.isdecimal() else text


def _count(text: str) -> int | str:
    """Number of peaks, or "auto"."""
    if text == "auto":
        return text
    if text.isdecimal():
        return int(text)
    raise argparse.ArgumentTypeError(f'expected "auto" or a whole number, got {text!r}')


def _one_line(message: object) -> str:
    """Text of an error or a warning in one line."""
    return " ".join(str(message).split()) or type(message).__name__


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning as one line, in place of Python's two with a source file."""
    print(f"xpsnet: note: {_one_line(message)}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    """Parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="xpsnet", description="Automatic peak fitting of photoemission (XPS) spectra."
    )
    parser.add_argument("--version", action="version", version=f"xpsnet {__version__}")
    parser.add_argument(
        "--debug", action="store_true", help="show where an error comes from, in full"
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_fit(commands)
    _add_info(commands)
    _add_network_commands(commands)
    return parser


def _add_file_options(parser: argparse.ArgumentParser) -> None:
    """Add what every command that reads a file takes."""
    parser.add_argument(
        "file", nargs="+", metavar="FILE", help="file or folder; several form a series"
    )
    parser.add_argument(
        "--region", type=_region, help='region to take: its name, for instance "O 1s", or its place'
    )
    add = parser.add_argument_group("what the file may not say").add_argument
    add("--scale", choices=["binding", "kinetic"], help="what its energies count")
    add("--photon-energy", type=float, metavar="EV", help="photon energy [eV]")
    add(
        "--energy-offset",
        type=float,
        default=0.0,
        metavar="EV",
        help="added to every energy of the file [eV]",
    )
    parser.add_argument(
        "--sum-over",
        action="append",
        metavar="DIMENSION",
        help='dimension to fold, for instance "angle" of angle-resolved images; may be given again',
    )


def _add_fit(commands: Any) -> None:
    """Add the command `fit`."""
    parser = commands.add_parser("fit", help="find and fit the peaks of a file")
    parser.set_defaults(command=run_fit)
    _add_file_options(parser)
    add = parser.add_argument
    add("--range", nargs=2, type=float, metavar="EV", help="energies to fit between [eV]")
    add(
        "--show",
        choices=["binding", "kinetic"],
        help="energy scale of --range and of the answer (default: binding energy, where the photon"
        " energy is known)",
    )
    add(
        "--remove-satellites",
        metavar="SOURCE",
        help='take out the X-ray satellites of a source without monochromator: "Mg Ka", "Al Ka" or'
        ' "auto", which is what the file tells',
    )
    add("--model", default="default", help="network: a name or a file (default: default)")
    add("--peaks", type=_count, default="auto", help='"auto" or a number (default: auto)')
    add(
        "--background",
        help="for instance none, linear, shirley, tougaard (default: shirley+linear)",
    )
    add("--line-shape", help="for instance gaussian, voigt (default: pseudo_voigt)")
    add("--no-refine", dest="refine", action="store_false", help="the network's answer, no fit")
    add(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="PATH",
        help="write the peaks: .csv, .xlsx, .vms, .nxs, .nc or .zarr; may be given again",
    )
    add("--plot", metavar="PATH", help="draw the fit: .png, .pdf or .svg")


def _add_info(commands: Any) -> None:
    """Add the command `info`."""
    parser = commands.add_parser("info", help="show what a file holds")
    parser.set_defaults(command=run_info)
    _add_file_options(parser)


def _add_network_commands(commands: Any) -> None:
    """Add the commands `train`, `evaluate` and `models`."""
    parser = commands.add_parser("train", help="train a network on simulated spectra")
    parser.set_defaults(command=run_train)
    add = parser.add_argument
    add("name", metavar="NAME", help="park2020, default, or a TOML file with your own recipe")
    add("--resume", action="store_true", help="go on where the last run stopped")
    add("--minutes", type=float, help="stop after this time; --resume goes on")
    add("--spectra", type=int, help="spectra to see in all")
    add("--out", metavar="FOLDER", help="where the run lives (default: runs/NAME)")

    parser = commands.add_parser("evaluate", help="measure a network on simulated spectra")
    parser.set_defaults(command=run_evaluate)
    parser.add_argument("name", metavar="NAME", help="a network's name or file")
    parser.add_argument("--report", metavar="FOLDER", help="write a page with figures there")

    parser = commands.add_parser("models", help="list the networks")
    parser.set_defaults(command=run_models)
