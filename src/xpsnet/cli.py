"""Command line of xpsnet: one function per command, each a few calls of the library.

An error ends in one sentence on stderr and exit status 2; `--debug` shows the whole traceback.
Warnings are one line each. On a terminal tables have styles and a fit is drawn; elsewhere the
output is plain text.
"""

import argparse
import io
import os
import shutil
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from xpsnet import __version__, cli_identify, cli_store, cli_values
from xpsnet.cli_quantify import add_quantify
from xpsnet.cli_report import add_report

if TYPE_CHECKING:
    import xarray as xr
    from rich.text import Text

    from xpsnet.fitting.model.doublets import Doublet

__all__ = ["main"]

RESULT_SUFFIXES = (".csv", ".h5", ".hdf5", ".nc", ".nc4", ".nxs", ".vms", ".xlsx", ".zarr")
SUFFIXES_WITH_SPECTRA = (".nxs", ".vms", ".xlsx")
FIT_OPTIONS = (
    "n_states",
    "line_shape",
    "shared",
    "doublets",
    "model_error",
    "constraints",
    "noise",
    "scale_errors",
)
FIGURE_SUFFIXES = (".pdf", ".png", ".svg")
ERROR = 2
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
        Exit status: 0, 2 after an error, 130 after an interruption by the user.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names in any alphabet, on any terminal
            stream.reconfigure(errors="backslashreplace")
    chosen = _parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = _show_warning
        try:
            try:
                chosen.command(chosen)
            finally:
                _flush_output()
        except Exception as error:
            if chosen.debug:
                raise
            print(f"xpsnet: {_error_sentence(error)}", file=sys.stderr)
            return ERROR
        except KeyboardInterrupt:
            print("xpsnet: stopped", file=sys.stderr)
            return INTERRUPTED
    return 0


def _flush_output() -> None:
    """Write out what was printed; a full disk or a closed pipe is an error as any other."""
    if sys.stdout is None:  # a program without a window for texts
        return
    try:
        sys.stdout.flush()
    except OSError:
        # Python would try again when it ends, and show a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def run_fit(chosen: argparse.Namespace) -> None:
    """Find, refine and print the peaks of a file."""
    from xpsnet.cli_table import peak_report, state_report
    from xpsnet.io.write import write

    # Wrong names are refused before a long fit, not after it.
    store = cli_store.target(chosen)
    others = [path for path in chosen.output if path != store]
    _check_names(others, RESULT_SUFFIXES, overwrite=chosen.overwrite)
    _check_names([chosen.plot] if chosen.plot else [], FIGURE_SUFFIXES, overwrite=chosen.overwrite)
    with cli_store.in_blocks(store):
        spectra = _one_region(chosen)
    _check_vamas(others, spectra)
    peaks = _peaks(spectra, chosen, store)
    large = cli_store.describe_large(store, peaks)
    report = large or [*_drawing(spectra, peaks), *peak_report(peaks)]
    _show(*_title(spectra, chosen), *report)
    if chosen.state_names is not None:
        from xpsnet.chemistry.state_names import state_candidates

        _show("", *state_report(state_candidates(peaks, chosen.state_names or None)))
    if store is not None:
        print(f"wrote {store}")
    for path in others:
        with_spectra = path.lower().endswith(SUFFIXES_WITH_SPECTRA)
        fitted = spectra if with_spectra else None
        write(peaks, path, spectra=fitted, overwrite=chosen.overwrite)
        print(f"wrote {path}")
    if chosen.plot:
        _save_figure(spectra, peaks, Path(chosen.plot))
        print(f"wrote {chosen.plot}")


def run_edge(chosen: argparse.Namespace) -> None:
    """Fit and print the Fermi edge of a file."""
    from xpsnet.cli_table import edge_report
    from xpsnet.fitting.fermi_edge import fit_edge

    spectra = _one_region(chosen)
    found = fit_edge(
        spectra,
        temperature=chosen.temperature,
        resolution=chosen.resolution,
        slopes=chosen.slopes,
        energy_range=tuple(chosen.energy_range) if chosen.energy_range else None,
        noise=chosen.noise,
    )
    _show(*_title(spectra, chosen), *edge_report(found))


def run_identify(chosen: argparse.Namespace) -> None:
    """Print the candidate elements of a survey."""
    from xpsnet.chemistry.identify import identify
    from xpsnet.cli_table import candidate_report, chosen_survey

    _check_names([chosen.plot] if chosen.plot else [], FIGURE_SUFFIXES, overwrite=chosen.overwrite)
    survey = chosen_survey(_regions(chosen), chosen.file)
    candidates = identify(survey, **cli_identify.identify_options(chosen))
    _show(*_title(survey, chosen), *candidate_report(candidates))
    if chosen.plot:
        _save_figure(survey, candidates, Path(chosen.plot))
        print(f"wrote {chosen.plot}")


def _title(spectra: "xr.DataArray", chosen: argparse.Namespace) -> list[str]:
    """What was fitted, and how its energies were shifted."""
    title = [f"{spectra.name or 'spectra'} of {', '.join(chosen.file)}"]
    if chosen.charge_reference is not None:
        reference, moved = spectra.attrs["charge_reference"], spectra.attrs["charge_shift"]
        title.append(f"charge reference {reference}: {-moved:+.3f} eV added to binding energies")
    return title


def _save_figure(spectra: "xr.DataArray", peaks: "xr.Dataset", path: Path) -> None:
    """Draw the fit and write the figure in one step, as all other files."""
    from xpsnet.io.common.atomic_write import write_file
    from xpsnet.plotting import plot

    drawn = io.BytesIO()
    plot(spectra, peaks).savefig(drawn, format=path.suffix[1:].lower(), dpi=200)
    write_file(path, drawn.getbuffer())


def _check_vamas(paths: Sequence[str], spectra: "xr.DataArray") -> None:
    """Refuse VAMAS before the fit where the components could not be written after it."""
    kinetic = spectra.attrs["scale"] == "kinetic" or "photon_energy" in spectra.attrs
    if not kinetic and any(path.lower().endswith(".vms") for path in paths):
        raise ValueError(
            "expected a photon energy, because the components in a VAMAS file are kinetic; say "
            "--photon-energy 1486.6"
        )


def _show(*parts: Any) -> None:
    """Print texts and tables: with styles on a terminal, else as plain text."""
    if not sys.stdout.isatty():
        from xpsnet.cli_table import plain_text

        print(plain_text(*parts))
        return
    from rich.console import Console

    console = Console(highlight=False, color_system=None if os.environ.get("NO_COLOR") else "auto")
    console.print(*parts, sep="\n", markup=False)


def _drawing(spectra: "xr.DataArray", peaks: "xr.Dataset") -> "list[Text]":
    """Drawing of the fit as wide as the terminal; none where stdout is no terminal."""
    if not sys.stdout.isatty() or "utf" not in (sys.stdout.encoding or "").lower():
        return []
    from xpsnet.cli_figure import draw_fit

    columns, lines = shutil.get_terminal_size()
    return [draw_fit(spectra, peaks, width=min(columns, 120), height=min(lines // 2, 20))]


def _peaks(spectra: "xr.DataArray", chosen: argparse.Namespace, store: str | None) -> "xr.Dataset":
    """Peaks of the spectra, refined or as the network gives them."""
    options: dict[str, Any] = {
        "model": chosen.model,
        "n_peaks": chosen.n_peaks,
        "energy_range": tuple(chosen.energy_range) if chosen.energy_range else None,
        "progress": sys.stderr.isatty(),
    }
    if chosen.background:
        options["background"] = _background(chosen)
    fit_only = {
        name: getattr(chosen, name) for name in FIT_OPTIONS if getattr(chosen, name) is not None
    }
    if not chosen.refine:
        if fit_only:
            named = " and ".join(f"--{name.replace('_', '-')}" for name in fit_only)
            raise ValueError(f"expected no {named} with --no-refine; leave out one of them")
        from xpsnet.models.prediction import predict

        return predict(spectra, **options)
    if chosen.constraints:
        fit_only["constraints"] = cli_values.constraints(chosen.constraints)
    if chosen.shared is not None:
        fit_only["shared"] = tuple(chosen.shared)
    if chosen.line_shape is not None and len(chosen.line_shape) == 1:
        fit_only["line_shape"] = chosen.line_shape[0]
    if chosen.doublets is not None:
        fit_only["doublets"] = _doublets(chosen.doublets)
    if store is not None:
        return cli_store.fit_into(spectra, store, chosen, {**options, **fit_only})
    from xpsnet.pipeline.fit import fit

    return fit(spectra, **options, **fit_only)


def _doublets(
    given: Sequence[tuple[str, dict[str, Any]]],
) -> "str | tuple[()] | list[Doublet | str]":
    """Doublets in the words of `fit`."""
    if given == [("auto", {})]:
        return "auto"
    if given == [("none", {})]:
        return ()
    from xpsnet.fitting.model.doublets import doublet

    return [doublet(level, **keywords) if keywords else level for level, keywords in given]


def _background(chosen: argparse.Namespace) -> "str | xr.DataArray":
    """Name of a background, or the curve in a file."""
    if not Path(chosen.background).is_file():
        return str(chosen.background)
    curves = _read(chosen.background, chosen)
    if len(curves) != 1:
        raise ValueError(f"expected one curve in {chosen.background}, got {len(curves)}")
    return _as_shown(curves[0], chosen.show)


def run_info(chosen: argparse.Namespace) -> None:
    """Print the regions of a file, or how far a fit in a store is."""
    if lines := cli_store.describe(chosen.file):
        _show(*lines)
        return
    from xpsnet.cli_table import describe_spectra, region_list

    regions = _regions(chosen)
    overview = [region_list(regions), ""] if len(regions) > 1 else []
    _show(*overview, *map(describe_spectra, regions))


def run_train(chosen: argparse.Namespace) -> None:
    """Train a network and save it."""
    from xpsnet.models.extra_packages import require_onnx
    from xpsnet.training.export import export
    from xpsnet.training.train import train

    require_onnx("the export of the trained network")  # before hours of training, not after
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
    """Measure a network on simulated spectra with known peaks."""
    if chosen.report:
        from xpsnet.training.model_report import write_report

        print(f"wrote {write_report(chosen.name, chosen.report)}")
        return
    from xpsnet.training.evaluation import evaluate

    print(evaluate(chosen.name))


def run_models(chosen: argparse.Namespace) -> None:
    """List the networks that are installed."""
    from xpsnet.cli_table import table
    from xpsnet.models.weights import list_models, load_model

    rows = []
    for model in map(load_model, list_models()):
        recipe, seen = model.card["recipe"], model.card["spectra_seen"] / 1e6
        peaks = f"{recipe['min_peaks']} to {recipe['max_peaks']} peaks"
        trained = f"trained on {seen:.1f} million spectra"
        rows.append([model.name, peaks, trained, f"version {model.version}"])
    _show(table([], rows))


def run_warm_up(_: argparse.Namespace) -> None:
    """Prepare this computer for fits."""
    from xpsnet.pipeline.warm_up import warm_up

    begun = perf_counter()
    warm_up()
    _show(f"ready after {perf_counter() - begun:.1f} s: fits begin at once, in every process")


def _regions(chosen: argparse.Namespace) -> "list[xr.DataArray]":
    """Regions of the named files, with the metadata that the user gave."""
    path = chosen.file[0] if len(chosen.file) == 1 else list(chosen.file)
    given: dict[str, Any] = {"by": chosen.by} if chosen.by else {}
    if chosen.axes:
        given["axes"] = cli_values.axes(chosen.axes)
    return _read(path, chosen, region=chosen.region, sum_over=chosen.sum_over, **given)


def _read(
    path: str | list[str], chosen: argparse.Namespace, **options: Any
) -> "list[xr.DataArray]":
    """Regions of a path on the energy axis that the user described."""
    from xpsnet.io.read import read

    return read(
        path,
        scale=chosen.scale,
        photon_energy=chosen.photon_energy,
        energy_offset=chosen.energy_offset,
        **options,
    )


def _one_region(chosen: argparse.Namespace) -> "xr.DataArray":
    """The one region to fit."""
    regions = _regions(chosen)
    if len(regions) == 1:
        found = _cleaned(regions[0], chosen.remove_satellites)
        return _as_shown(_calibrated(found, chosen), chosen.show)
    from xpsnet.cli_table import region_choices

    raise ValueError(
        f"expected one region to fit, got {len(regions)} in {', '.join(chosen.file)};"
        f" choose one of {region_choices(regions)} with --region"
    )


def _cleaned(spectra: "xr.DataArray", source: str | None) -> "xr.DataArray":
    """Spectra without the X-ray satellites of a source; "auto" takes the source from the file."""
    if source is None:
        return spectra
    from xpsnet.data.satellites import remove_satellites

    return remove_satellites(spectra, source=None if source == "auto" else source)


def _calibrated(spectra: "xr.DataArray", chosen: argparse.Namespace) -> "xr.DataArray":
    """Spectra whose reference line has its known energy.

    The line is looked for in the region of its name in the same files, else in the spectra.
    """
    if chosen.charge_reference is None:
        return spectra
    from xpsnet.chemistry.calibrate import calibrate
    from xpsnet.io.common.errors import ReadError

    line, energy = chosen.charge_reference
    path = chosen.file[0] if len(chosen.file) == 1 else list(chosen.file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what there is to say of these files was said
        try:
            named = _read(path, chosen, region=line, sum_over=chosen.sum_over)
        except ReadError:
            named = []
    if len(named) > 1:
        raise ValueError(
            f"expected one region {line} as charge reference, got {len(named)} in "
            f"{', '.join(chosen.file)}; find the shift with xpsnet.calibrate, and say it with "
            f"--energy-offset"
        )
    return calibrate(spectra, line=line, to=energy, reference=named[0] if named else None)


def _as_shown(spectra: "xr.DataArray", scale: str | None) -> "xr.DataArray":
    """Spectra on the chosen scale; by default binding energy, if the photon energy is known."""
    from xpsnet.data.spectrum import to_binding, to_kinetic

    if scale == "kinetic":
        return to_kinetic(spectra)
    return to_binding(spectra) if scale or "photon_energy" in spectra.attrs else spectra


def _check_names(paths: Sequence[str], suffixes: Sequence[str], *, overwrite: bool) -> None:
    """Refuse names of files that cannot be written, or exist."""
    from xpsnet.io.common.paths import check_place

    for path in map(Path, paths):
        if path.suffix.lower() not in suffixes:
            raise ValueError(
                f"expected a file name that ends with {', '.join(suffixes)}, got {str(path)!r}"
            )
        check_place(path, overwrite=overwrite, how="say --overwrite")
    if len(set(paths)) < len(paths):
        raise ValueError(
            f"expected different files, got one of them twice in {', '.join(paths)}; leave it out"
        )


def _error_sentence(error: Exception) -> str:
    """Error in one line; those that no input should cause name their type, too."""
    expected = (ValueError, OSError, ArithmeticError, ImportError, TypeError)
    if isinstance(error, MemoryError):
        return "not enough memory for these spectra; choose a smaller --energy-range"
    if isinstance(error, OSError) and error.strerror and error.filename is None:
        from xpsnet.io.common.atomic_write import failure

        return _one_line(failure(Path("standard output"), error))
    if isinstance(error, expected):
        return _one_line(error)
    return f"unexpected {type(error).__name__}: {_one_line(error)}; --debug shows where"


def _one_line(message: object) -> str:
    """Text of an error or a warning in one line."""
    return " ".join(str(message).split()) or type(message).__name__


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning as one line, without the place in the source."""
    print(f"xpsnet: note: {_one_line(message)}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    """Parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="xpsnet", description="Automatic peak fitting of photoemission (XPS) spectra."
    )
    parser.add_argument("--version", action="version", version=f"xpsnet {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the whole traceback of an error")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_fit(commands)
    _add_edge(commands)
    add_quantify(commands, _add_file_options, _regions, _show)
    add_report(commands, _add_file_options, _regions, _show)
    cli_identify.add_identify(commands, run_identify, _add_file_options)
    _add_info(commands)
    _add_network_commands(commands)
    return parser


def _add_file_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every command that reads a file."""
    parser.add_argument(
        "file", nargs="+", metavar="FILE", help="file or folder; several files form a series"
    )
    parser.add_argument(
        "--region",
        type=cli_values.region,
        help='name of the region, for instance "O 1s", or its number in the file, counted from 0',
    )
    add = parser.add_argument_group("if the file does not state them").add_argument
    add(
        "--scale",
        type=cli_values.scale,
        metavar="SCALE",
        help='energy scale of the file: binding, kinetic or "E - EF"',
    )
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
        help='sum the spectra along this dimension, for instance "angle"; can be repeated',
    )
    parser.add_argument(
        "--by",
        metavar="NAME",
        help='one stack for each region, over what tells its spectra apart, for instance "sample"',
    )
    parser.add_argument(
        "--axes",
        action="append",
        metavar="NAME[=ARRAY]",
        help="names of dimensions in HDF5, zarr, netCDF and Igor files that nothing names: all in "
        "their order, or each with the array that holds its values; can be repeated",
    )


def _add_window_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a range to fit, and of the scale that it and the results are on."""
    add = parser.add_argument
    add("--energy-range", nargs=2, type=float, metavar="EV", help="ends of the range to fit [eV]")
    add(
        "--show",
        choices=["binding", "kinetic"],
        help="energy scale of --energy-range and of the results (default: binding energy if the"
        " photon energy is known)",
    )


def _add_charge_reference(parser: argparse.ArgumentParser) -> None:
    """Add the option of a line whose energy is known."""
    parser.add_argument(
        "--charge-reference",
        "--reference",
        type=cli_values.charge_reference,
        metavar="LINE[=EV]",
        help='shift the energies so that this line has its known binding energy, for instance "C'
        ' 1s" (284.8 eV) or "Au 4f7/2=84.0"; it is looked for in the region of its name in the'
        " same file, else in the spectra themselves",
    )


def _add_fit(commands: Any) -> None:
    """Add the command `fit`."""
    parser = commands.add_parser("fit", help="find and fit the peaks of a file")
    parser.set_defaults(command=run_fit)
    _add_file_options(parser)
    _add_window_options(parser)
    _add_charge_reference(parser)
    add = parser.add_argument
    add(
        "--remove-satellites",
        metavar="SOURCE",
        help='remove the X-ray satellites of a source without monochromator: "Mg Ka", "Al Ka" or'
        ' "auto" (the source that the file names)',
    )
    add("--model", default="default", help="network: a name or a file (default: default)")
    add(
        "--n-peaks",
        type=cli_values.count,
        default="auto",
        help='number of lines, or "auto" (default: auto)',
    )
    add(
        "--background",
        metavar="NAME",
        help="auto, chosen once for all spectra; none, constant, linear, shirley, shirley+linear,"
        ' tougaard or tougaard+linear, fitted with the peaks; "static linear", "static shirley" or'
        ' "static tougaard", computed before the fit and kept; or a file with one curve (default:'
        " auto; with --no-refine shirley+linear)",
    )
    cli_identify.add_state_names(parser)
    add("--no-refine", dest="refine", action="store_false", help="predict only, without a fit")
    cli_store.add_output(parser)
    add("--overwrite", action="store_true", help="replace files that exist")
    add("--plot", metavar="PATH", help="save a figure of the fit: .png, .pdf or .svg")
    add = parser.add_argument_group("least-squares fit").add_argument
    add(
        "--n-states",
        type=cli_values.count,
        help="number of chemical states, each of them a line or a doublet, or auto; not together"
        " with --n-peaks (default: auto)",
    )
    add(
        "--line-shape",
        action="append",
        metavar="NAME",
        help='auto, or for instance voigt, "GL(30)", "LA(1.2,5,8)"; repeated: the shape of each'
        " peak, with --n-peaks (default: auto: symmetric or asymmetric pseudo_voigt)",
    )
    add(
        "--shared",
        nargs="*",
        metavar="PARAMETER",
        help="parameters with one value for all peaks of a spectrum, for instance: fwhm fraction;"
        " none if empty (default: fraction)",
    )
    add(
        "--doublets",
        "--doublet",
        nargs="+",
        action="extend",
        type=cli_values.doublet,
        metavar="LEVEL",
        help='spin-orbit doublets, for instance "S 2p" "Fe 2p", with what differs from the table:'
        ' "S 2p splitting=1.1:1.3 ratio=free fwhm_ratio=1 peaks=1,2"; auto: of the level that the'
        " region names; or none (default: auto); can be repeated",
    )
    add(
        "--model-error",
        type=float,
        metavar="SHARE",
        help="how exactly a line is known, relative to its height; 0 counts every significant"
        " deviation as a state (default: by the class of the level)",
    )
    add(
        "--constraints",
        "--constraint",
        nargs="+",
        action="extend",
        type=cli_values.constraint,
        metavar="NAME=VALUE",
        help="limits and links of parameters, for instance fwhm=1.1 (held), fwhm=0.8:1.5 (limits),"
        ' fwhm=:1.5 (an open end), "center_2=center_1 + 1.19", "area_2=0.5 * area_1",'
        ' "center_2=center_1 + (1.1, 1.3)" (links); can be repeated',
    )
    add(
        "--noise",
        type=cli_values.number_or("poisson", "each"),
        metavar="VALUE",
        help="standard deviation of the counts; or poisson: they are counts; or each: estimated"
        " for every spectrum by itself (default: estimated, one gain for all spectra)",
    )
    add(
        "--scale-errors",
        action="store_const",
        const=True,
        help="multiply standard errors by the root of the reduced chi-square",
    )


def _add_edge(commands: Any) -> None:
    """Add the command `edge`."""
    parser = commands.add_parser("edge", help="fit the Fermi edge of a file")
    parser.set_defaults(command=run_edge, remove_satellites=None)
    _add_file_options(parser)
    _add_window_options(parser)
    _add_charge_reference(parser)
    add = parser.add_argument
    add(
        "--temperature",
        type=cli_values.number_or("free"),
        metavar="K",
        help="temperature [K], or free (default: what the file states, else 295)",
    )
    add("--resolution", type=float, metavar="EV", help="width of the Gaussian (default: fitted)")
    add("--no-slopes", dest="slopes", action="store_false", help="both sides are flat")
    add(
        "--noise",
        type=cli_values.number_or("poisson", "each"),
        metavar="VALUE",
        help="as for xpsnet fit (default: estimated)",
    )


def _add_info(commands: Any) -> None:
    """Add the command `info`."""
    parser = commands.add_parser("info", help="list the regions of a file, or how far a fit is")
    parser.set_defaults(command=run_info)
    _add_file_options(parser)


def _add_network_commands(commands: Any) -> None:
    """Add the commands `train`, `evaluate` and `models`."""
    parser = commands.add_parser("train", help="train a network on simulated spectra")
    parser.set_defaults(command=run_train)
    add = parser.add_argument
    add("name", metavar="NAME", help="park2020, default or a TOML file with a configuration")
    add("--resume", action="store_true", help="continue the last run")
    add("--minutes", type=float, help="stop after this time; --resume continues")
    add("--spectra", type=int, help="total number of spectra")
    add("--out", metavar="FOLDER", help="folder of the run (default: runs/NAME)")

    parser = commands.add_parser("evaluate", help="measure a network on simulated spectra")
    parser.set_defaults(command=run_evaluate)
    parser.add_argument("name", metavar="NAME", help="name or file of a network")
    parser.add_argument("--report", metavar="FOLDER", help="write a page with figures")

    parser = commands.add_parser("models", help="list the networks")
    parser.set_defaults(command=run_models)

    parser = commands.add_parser("warm-up", help="prepare what a first fit on a computer prepares")
    parser.set_defaults(command=run_warm_up)
