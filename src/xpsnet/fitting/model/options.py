"""Options of a fit: checked and collected once, by the public function, and passed on as one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from xpsnet.fitting.model.constraints import Constraint, Constraints, check_constraints
from xpsnet.fitting.model.doublets import Doublet
from xpsnet.fitting.model.links import Link, Slots
from xpsnet.fitting.model.parameter_map import Layout, make_layout
from xpsnet.fitting.model.parameters import start_parameters

Engine = Literal["auto", "lmfit", "batch"]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FitOptions:
    """Options of a fit, the same for all spectra of a call; see `xpsnet.refine`.

    Attributes
    ----------
    line_shape, background : str
        Keys of `LINE_SHAPES` and `BACKGROUNDS`: what is fitted.
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
    quick : bool
        Whether the batched engine only has to tell models apart; see `lm_plan.make_plan`.
    """

    line_shape: str = "pseudo_voigt"
    background: str = "shirley+linear"
    shared: tuple[str, ...] = ("fraction",)
    constraints: Constraints = field(default_factory=Constraints)
    doublets: tuple[Doublet, ...] = ()
    scale_errors: bool = False
    covariance: bool = False
    engine: Engine = "auto"
    cancel: Callable[[], bool] | None = None
    counts_states: bool = False
    quick: bool = False

    def layout(self, slots: Slots) -> Layout:
        """Layout of the peaks at these places among the starts, links included."""
        links = self.constraints.for_slots(slots).links
        return make_layout(self.line_shape, self.background, len(slots), self.shared, links)

    def plain_layout(self, n_peaks: int) -> Layout:
        """Layout of so many peaks without links: what is reported."""
        return make_layout(self.line_shape, self.background, n_peaks, self.shared)

    def cancelled(self) -> bool:
        """Whether to stop."""
        return self.cancel is not None and self.cancel()


def checked_engine(engine: Engine) -> Engine:
    """The engine, refused where there is none of this name."""
    if engine not in ("auto", "lmfit", "batch"):
        raise ValueError(f'expected engine "auto", "lmfit" or "batch", got {engine!r}')
    return engine


def checked_shared(shared: tuple[str, ...]) -> tuple[str, ...]:
    """The option `shared` as a tuple; `make_layout` refuses unknown names and a single text."""
    return shared if isinstance(shared, str) else tuple(shared)


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
    make_layout(options.line_shape, options.background, 0, options.shared)
    turned = [link if sign > 0 else link.mirrored() for link in links]
    checked = check_constraints(constraints, options.line_shape, n_peaks, turned).on_scale(sign)
    if checked.links:  # what no spectrum can obey is refused before the first one
        inner = checked.for_slots(range(n_peaks)).links
        layout = make_layout(options.line_shape, options.background, n_peaks, options.shared, inner)
        anywhere = {name: np.full(n_peaks, np.nan) for name in ("center", "height")}
        start_parameters(layout, options.line_shape, energy, anywhere, checked)
    return checked
