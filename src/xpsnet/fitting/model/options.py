"""Options of a fit: checked and collected once, by the public function, and passed on as one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from xpsnet.arguments import texts
from xpsnet.data.constraints import Constraint, Constraints, check_constraints
from xpsnet.data.links import Link, Slots, split_name
from xpsnet.fitting.model.doublets import Doublet
from xpsnet.fitting.model.parameter_map import Layout, make_layout
from xpsnet.fitting.model.parameters import start_parameters
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.peak_shapes import LineShapes, shape_names, shapes_at, simplest
from xpsnet.numerics.shape_names import named_shape

Engine = Literal["auto", "lmfit", "batch"]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FitOptions:
    """Options of a fit, the same for all spectra of a call; see `xpsnet.refine`.

    Attributes
    ----------
    line_shape : str or tuple of str
        Key of `LINE_SHAPES`, or one for each place among the starts.
    background : str
        Key of `BACKGROUNDS`.
    shared : tuple of str
        Shape parameters that all peaks of a spectrum have in common.
    constraints : Constraints
        Checked; on the axis of the numerics.
    doublets : tuple of Doublet
        Levels whose lines are found and tied in every spectrum.
    scale_errors : bool
        Whether errors are multiplied by the root of the reduced chi-square.
    covariance : bool
        Whether the result keeps the covariance matrices.
    engine : {"auto", "lmfit", "batch"}
    cancel : callable, optional
        Returns True once the fit is to stop.
    counts_states : bool
        Whether the result says which chemical state every peak belongs to.
    keep_order : bool
        Whether the result keeps its peaks at the places of the starts.
    quick : bool
        Whether the batched engine only has to tell models apart; see `lm_plan.make_plan`.
    """

    line_shape: LineShapes = "pseudo_voigt"
    background: str = "shirley+linear"
    shared: tuple[str, ...] = ("fraction",)
    constraints: Constraints = field(default_factory=Constraints)
    doublets: tuple[Doublet, ...] = ()
    scale_errors: bool = False
    covariance: bool = False
    engine: Engine = "auto"
    cancel: Callable[[], bool] | None = None
    counts_states: bool = False
    keep_order: bool = False
    quick: bool = False

    def layout(self, slots: Slots) -> Layout:
        """Layout of the peaks at these places among the starts, links included."""
        links = self.constraints.for_slots(slots).links
        shapes = shapes_at(self.line_shape, slots)
        return make_layout(shapes, self.background, len(slots), self.shared, links)

    def plain_layout(self, n_peaks: int, slots: Slots | None = None) -> Layout:
        """Layout of so many peaks, or of those at some places, without links: what is reported."""
        shapes = self.line_shape if slots is None else shapes_at(self.line_shape, slots)
        return make_layout(shapes, self.background, n_peaks, self.shared)

    def cancelled(self) -> bool:
        """Whether to stop."""
        return self.cancel is not None and self.cancel()


def named_shapes(
    line_shape: str | Sequence[str], n_peaks: int
) -> tuple[LineShapes, dict[str, Constraint]]:
    """Shapes by any of their names, and the parameters that names such as "GL(30)" hold.

    Parameters
    ----------
    line_shape : str or sequence of str
        Of all peaks, or of each: keys of `LINE_SHAPES`, or CasaXPS' names.
    n_peaks : int
        Number of peaks.

    Returns
    -------
    (str or tuple of str, dict)
        Keys of `LINE_SHAPES`, and constraints.

    Raises
    ------
    ValueError
        Where a name is unknown, or there are not as many as peaks.
    """
    texts = (line_shape,) if isinstance(line_shape, str) else tuple(line_shape)
    found = [named_shape(text) for text in texts]
    for text, one in zip(texts, found, strict=True):
        if one is None or not one.allowed:
            raise ValueError(
                f"expected line_shape from {sorted(LINE_SHAPES)}, or a name of CasaXPS such as "
                f"'GL(30)' or 'LA(1.2,5,8)' with numbers that the shape allows, got {text!r}"
            )
    known = [one for one in found if one is not None]
    if isinstance(line_shape, str):
        return known[0].shape, dict(known[0].values)
    shapes = shape_names(tuple(one.shape for one in known), n_peaks)
    held = {f"{n}_{k + 1}": v for k, one in enumerate(known) for n, v in one.values.items()}
    return simplest(shapes), {**held}


def unshared(shared: tuple[str, ...], held: Mapping[str, Constraint]) -> tuple[str, ...]:
    """Shared parameters without those that the names of shapes hold for single peaks."""
    own = {split_name(name)[0] for name in held if split_name(name)[1] is not None}
    return tuple(name for name in shared if name not in own)


def checked_shared(shared: tuple[str, ...]) -> tuple[str, ...]:
    """The option `shared` as a tuple of texts; `make_layout` refuses unknown names."""
    texts("fraction")("shared", shared)
    return tuple(shared)


def checked_constraints(
    options: FitOptions,
    energy: Floats,
    sign: int,
    n_peaks: int,
    constraints: Mapping[str, Constraint] | None,
    links: Iterable[Link] = (),
) -> Constraints:
    """Constraints of a user, checked and on the axis of the numerics.

    Parameters
    ----------
    options : FitOptions
        Line shape, background and shared parameters.
    energy : ndarray, shape (n,)
        Of the numerics.
    sign : int
        -1 where the user's scale is kinetic.
    n_peaks : int
        Largest number of peaks.
    constraints : mapping or None
        As for `xpsnet.refine`, on the user's scale.
    links : iterable of Link
        Of doublets, on the axis of the numerics.

    Raises
    ------
    ValueError
        Where a name is unknown or no value obeys a constraint.
    """
    make_layout(shapes_at(options.line_shape, ()), options.background, 0, options.shared)
    turned = [link if sign > 0 else link.mirrored() for link in links]
    checked = check_constraints(constraints, options.line_shape, n_peaks, turned).on_scale(sign)
    if checked.links:  # what no spectrum can obey is refused before the first one
        inner = checked.for_slots(range(n_peaks)).links
        layout = make_layout(options.line_shape, options.background, n_peaks, options.shared, inner)
        anywhere = {name: np.full(n_peaks, np.nan) for name in ("center", "height")}
        start_parameters(layout, energy, anywhere, checked)
    return checked
