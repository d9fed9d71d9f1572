"""Every public function with wrong arguments: a sentence of xpsnet, never one from inside numpy."""

import inspect
import shutil
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.fitting.fermi_edge import fit_edge
from xpsnet.samples import sample_truth

LIBRARY = Path(xpsnet.__file__).parent
WRONG: dict[str, Any] = {
    "None": None,
    "True": True,
    "a list": [1, 2, 3],
    "a list of texts": ["many", "few"],
    "an empty list": [],
    "a text": "many",
    "an empty text": "",
    "a zero byte": "a\0b",
    "nan": float("nan"),
    "inf": float("inf"),
    "negative": -1,
    "zero": 0,
    "a fraction": 2.5,
    "huge": 1e308,
    "a huge integer": 10**400,
    "bytes": b"many",
    "a dict": {"a": 1},
    "an array": np.array([1.0, np.nan]),
    "an object": object(),
    "a function": print,
    "a DataArray": xr.DataArray(np.ones(3), dims="a"),
    "a Dataset": xr.Dataset({"a": ("b", [1.0])}),
    "a complex number": 1j,
    "numpy nan": np.float32("nan"),
}


def _spectrum() -> xr.DataArray:
    return xpsnet.sample("spectrum").isel(energy=slice(None, None, 3))


def _peaks() -> xr.Dataset:
    return sample_truth("spectrum")[["center", "fwhm", "height", "fraction"]].assign_attrs(
        line_shape="pseudo_voigt"
    )


def _fitted() -> xr.Dataset:
    """Peaks with errors, made once."""
    if not _FITTED:
        _FITTED.append(xpsnet.refine(_spectrum(), _peaks(), background="linear"))
    return _FITTED[0]


_FITTED: list[xr.Dataset] = []


def _session() -> xpsnet.Session:
    return xpsnet.Session([xpsnet.SessionRegion(_spectrum())])


def _survey() -> xr.DataArray:
    energy = np.arange(0.0, 600.0, 1.0)
    counts = 100.0 + energy / 10 + 1000.0 * np.exp(-(((energy - 285.0) / 1.5) ** 2))
    counts = np.random.default_rng(0).poisson(counts).astype(float)
    attrs = {"scale": "binding", "photon_energy": 1486.6}
    return xr.DataArray(counts, {"energy": energy}, ["energy"], "survey", attrs)


def _edge() -> xr.DataArray:
    energy = np.linspace(-0.5, 0.5, 101)
    counts = 1000.0 / (np.exp(-energy / 0.03) + 1) + 10
    return xr.DataArray(counts, {"energy": energy}, ["energy"], "Fermi", {"scale": "binding"})


# Arguments with which each function works, as fast as it can.
GOOD: dict[str, Callable[[Path], dict[str, Any]]] = {
    "calibrate": lambda _: {"spectra": _spectrum()},
    "confidence": lambda _: {"spectrum": _spectrum(), "peaks": _fitted()},
    "crop": lambda _: {"spectra": _spectrum(), "energy_range": (283, 290)},
    "curves": lambda _: {"peaks": _fitted()},
    "doublet": lambda _: {"region": "S 2p"},
    "fit": lambda _: {"spectra": _spectrum(), "n_peaks": 1, "noise": 10.0, "background": "linear"},
    "fit_edge": lambda _: {"spectra": _edge()},
    "fit_store": lambda folder: {"path": folder / "a.csv", "out": folder / "new.zarr",
                                 "overwrite": True, "n_peaks": 1, "noise": 10.0},
    "follow": lambda _: {"peaks": _fitted().expand_dims(position=3)},
    "from_lmfit": lambda _: {"result": xpsnet.to_lmfit(_spectrum(), _fitted())[1],
                             "peaks": _fitted()},
    "identify": lambda _: {"survey": _survey()},
    "list_models": lambda _: {},
    "load_model": lambda _: {},
    "plot": lambda _: {"spectra": _spectrum(), "peaks": _fitted()},
    "predict": lambda _: {"spectra": _spectrum()},
    "read": lambda folder: {"path": folder / "a.csv"},
    "read_fit": lambda folder: {"path": folder / "b.csv"},
    "read_one": lambda folder: {"path": folder / "a.csv"},
    "profile": lambda _: {"peaks": _fitted().expand_dims(position=3)},
    "quantify": lambda _: {"peaks": _fitted()},
    "read_session": lambda folder: {"path": folder / "c.xps.nc"},
    "refine": lambda _: {"spectra": _spectrum(), "peaks": _peaks(), "background": "linear",
                         "noise": 10.0},
    "remove_satellites": lambda _: {"spectra": _spectrum(), "source": "Al Ka"},
    "report": lambda folder: {"spectra": _spectrum(), "peaks": _fitted(),
                              "path": folder / "new.html"},
    "sample": lambda _: {},
    "session_script": lambda _: {"session": _session()},
    "simulate": lambda _: {"n": 1},
    "static_background": lambda _: {"spectra": _spectrum()},
    "to_binding": lambda _: {"spectra": _spectrum()},
    "to_counts_per_second": lambda _: {"spectra": _spectrum()},
    "to_kinetic": lambda _: {"spectra": _spectrum()},
    "to_lmfit": lambda _: {"spectrum": _spectrum(), "peaks": _fitted()},
    "write": lambda folder: {"data": _spectrum(), "path": folder / "new.csv"},
    "write_session": lambda folder: {"path": folder / "new.xps.nc", "session": _session(),
                                     "overwrite": True},
}  # fmt: skip
# Their work takes minutes: only what is refused at once is tried.
SLOW = {"evaluate": ("recipe", "n", "seed", "device", "model"),
        "train": ("config", "folder", "resume", "spectra", "minutes", "progress")}  # fmt: skip
# Functions that edit peak sets: their arguments have no rules of `xpsnet.arguments` yet.
WITHOUT_RULES = {"add_peak", "change_peak", "constrain_peak", "make_doublet", "remove_peak",
                 "residual"}  # fmt: skip
# Methods of `.xps` that have no public name at the top.
METHODS = {"fit_edge": fit_edge}
# Functions of the user, of which any is right.
ANY = {("fit", "cancel"), ("fit_store", "cancel"), ("refine", "cancel"), ("predict", "cancel")}


def function(name: str) -> Callable[..., object]:
    return METHODS.get(name) or getattr(xpsnet, name)


def _cases() -> list[tuple[str, str]]:
    found = []
    for name in sorted(GOOD):
        keywords = inspect.signature(function(name)).parameters
        found += [(name, keyword) for keyword in keywords]
    return found


def _remove(made: Path) -> None:
    """Delete what a call has written: a file, or the folder of a store."""
    if made.is_dir():
        shutil.rmtree(made)
    else:
        made.unlink()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("arguments")
    xpsnet.write(_spectrum(), made / "a.csv")
    xpsnet.write(_fitted(), made / "b.csv")
    xpsnet.write_session(made / "c.xps.nc", _session())
    return made


def problem(call: Callable[[], object]) -> str:
    """What is wrong with the answer of a call; "" where it works or says what is expected."""
    try:
        call()
    except (ValueError, TypeError, OSError) as error:
        frame = traceback.extract_tb(sys.exc_info()[2])[-1]
        text = str(error)
        if not Path(frame.filename).is_relative_to(LIBRARY):
            return f"{type(error).__name__} in {frame.filename}:{frame.lineno}: {text}"
        if "expected" not in text or "got" not in text:
            return f"{type(error).__name__}: {text}"
        return ""
    except Exception as error:
        frame = traceback.extract_tb(sys.exc_info()[2])[-1]
        return f"{type(error).__name__} in {frame.filename}:{frame.lineno}: {error}"
    return ""


def test_every_public_function_is_tried() -> None:
    functions = {
        name
        for name in xpsnet.__all__
        if callable(getattr(xpsnet, name)) and not isinstance(getattr(xpsnet, name), type)
    }
    assert set(GOOD) | set(SLOW) | WITHOUT_RULES == functions | set(METHODS)


@pytest.mark.parametrize("name", GOOD)
def test_the_right_arguments_work(folder: Path, name: str) -> None:
    function(name)(**GOOD[name](folder))
    for made in folder.glob("new.*"):
        _remove(made)


@pytest.mark.parametrize(("name", "keyword"), _cases())
def test_wrong_arguments_are_answered_by_a_sentence(
    folder: Path, name: str, keyword: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    found = {}
    good = GOOD[name](folder)
    for kind, value in WRONG.items():
        if (name, keyword) in ANY and kind == "a function":
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", xpsnet.XpsnetWarning)
            given = {**good, keyword: value}
            found[kind] = problem(lambda given=given: function(name)(**given))
        for made in folder.glob("new.*"):
            _remove(made)
    assert {kind: text for kind, text in found.items() if text} == {}


# Slow functions: what they refuse before their work begins.
REFUSED_AT_ONCE = {
    "evaluate": {
        "model": [None, True, [1], "many", 1.5, b"a"],
        "recipe": [True, [1], "many", 1.5],
        "n": [None, True, "many", [1], 0, -1, 2.5, np.nan, np.inf, 1e308, 10**400],
        "seed": [None, True, "many", -1, 2.5, np.nan, 1e308],
        "device": [None, True, "many", [1], 1],
    },
    "train": {
        "config": [None, True, [1], "many", 1.5, "many.toml"],
        "folder": [True, [1], 1.5, "", "a\0b"],
        "resume": [None, "many", [1], 1.5],
        "spectra": [True, "many", [1], 0, -1, 2.5, np.nan],
        "minutes": [True, "many", [1], 0, -1, np.nan, np.inf],
        "progress": [None, "many", [1], 1.5],
    },
}


@pytest.mark.parametrize(
    ("name", "keyword"),
    [(name, keyword) for name, keywords in REFUSED_AT_ONCE.items() for keyword in keywords],
)
def test_slow_functions_refuse_at_once(name: str, keyword: str) -> None:
    assert set(REFUSED_AT_ONCE) == set(SLOW)
    good = {"config": "park2020"} if name == "train" else {}
    for value in REFUSED_AT_ONCE[name][keyword]:
        with pytest.raises((ValueError, TypeError), match=r"expected .*got"):
            getattr(xpsnet, name)(**{**good, keyword: value})


SULFUR = _spectrum().rename("S 2p")
# What is inside of arguments: a sentence that says what to write.
NESTED: dict[str, tuple[dict[str, Any], str]] = {
    "number of peaks": ({"n_peaks": "many"}, 'expected "auto", or a whole number from 0'),
    "too many peaks": ({"n_peaks": 99}, "expected n_peaks='auto' or a number from 0 to 6"),
    "constraint None": ({"constraints": {"fwhm": None}}, "None stands for an open end"),
    "constraint True": ({"constraints": {"fwhm": True}}, "expected a number or a pair"),
    "constraint of one": ({"constraints": {"fwhm": [1]}}, "expected a number or a pair"),
    "constraint NaN": ({"constraints": {"fwhm": np.nan}}, "expected a number or a pair"),
    "constraint too large": ({"constraints": {"fwhm": 1e308}}, r"to 1e\+06 for the constraint"),
    "constraint of text": ({"constraints": {"fwhm": "wide"}}, "a number that holds the parameter"),
    "large integer": ({"constraints": {"center_1": 10**400}}, "expected a number or a pair"),
    "peak 0": ({"constraints": {"center_0": 285.0}}, "the first peak is center_1"),
    "area": ({"constraints": {"area_2": 0.5}}, r"link it, as {\"area_2\": \"0.5 \* area_1\"}"),
    "link of 1e308": ({"constraints": {"center_2": "center_1 + 1e308"}}, "numbers of at most 1e"),
    "tiny ratio": ({"constraints": {"fwhm_2": "1e-308 * fwhm_1"}}, "ratios of at least 1e-06"),
    "height by area": ({"constraints": {"height_2": "0.5 * area_1"}}, "write a ratio of areas as"),
    "peak that does not exist": (
        {"doublets": xpsnet.doublet("S 2p", peaks=(1, 5))},
        "up to 2 peaks .* give peaks that exist, or a larger n_peaks",
    ),
    "doublet None": ({"doublets": [None]}, "expected doublets as levels"),
    "background": ({"background": "many"}, "expected background from"),
    "static background": ({"background": "static many"}, "expected a static background from"),
    "another curve": ({"background": xr.DataArray(np.ones(5), dims="a")}, "over the dimensions"),
    "noise of another length": ({"noise": np.ones(5)}, "broadcasting to the shape"),
    "huge noise": ({"noise": 1e308}, r"below 1e\+30 at every measured point"),
    "shared": ({"shared": ("many",)}, "expected shared as a tuple of names"),
    "shared text": ({"shared": "fwhm"}, r"pass for instance shared=\('fraction',\)"),
    "shape": ({"line_shape": "many"}, "expected line_shape from"),
    "two shapes": ({"line_shape": ("voigt",) * 3}, "one for each of 2 peaks"),
}


@pytest.mark.parametrize("kind", NESTED)
def test_what_is_inside_of_arguments_is_answered_by_a_sentence(kind: str) -> None:
    given, message = NESTED[kind]
    with pytest.raises(ValueError, match=message):
        xpsnet.fit(SULFUR, **{"n_peaks": 2, **given})


@pytest.mark.parametrize("energy", [[np.nan], [], [np.inf], "many", [[1.0]], [True], None])
def test_energies_of_curves(energy: Any) -> None:
    if energy is None:
        assert xpsnet.curves(_fitted(), energy).sizes["energy"] == _fitted().sizes["energy"]
        return
    with pytest.raises(ValueError, match=r"expected finite numbers \[eV\], at least one, got"):
        xpsnet.curves(_fitted(), energy)
