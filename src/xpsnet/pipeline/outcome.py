"""What the stages of `fit` pass on: options, spectra and outcomes."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from xpsnet.fitting.maps.chemical_states import States
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.select.model_choice import Question, Structure
from xpsnet.fitting.select.n_peaks import Choice
from xpsnet.fitting.solve.fit_results import FitResults
from xpsnet.fitting.solve.point_noise import GivenNoise, NoiseChoice
from xpsnet.models.prediction import PredictOptions

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.intp]


@dataclass(frozen=True)
class SpectrumRows:
    """Spectra on the axis of the numerics, one row each.

    Attributes
    ----------
    energy : ndarray, shape (n,)
    counts : ndarray, shape (S, n)
    noise : ndarray, shape (S, n), or NoiseChoice
    background : ndarray, shape (S, n), or None
        A background that is held.
    """

    energy: Floats
    counts: npt.NDArray[np.generic]
    noise: GivenNoise
    background: Floats | None = None

    def rows(self, chosen: Numbers) -> "SpectrumRows":
        """Some of the spectra."""
        return SpectrumRows(
            self.energy,
            self.counts[chosen],
            self.noise.rows(chosen) if isinstance(self.noise, NoiseChoice) else self.noise[chosen],
            None if self.background is None else self.background[chosen],
        )


@dataclass(frozen=True)
class Overview:
    """What the spectra of a map need to know of the whole map.

    Attributes
    ----------
    mean_peaks : dict of str to ndarray, shape (1, peak), or None
        Peaks of the mean spectrum, where they are starts.
    states : States or None
        Chemical states, where they are followed.
    """

    mean_peaks: dict[str, Floats] | None
    states: States | None


@dataclass(frozen=True)
class Outcome:
    """Fits of S spectra, one row each.

    Attributes
    ----------
    results : FitResults
    score : ndarray, shape (S, K)
        Of every number of peaks; see `Choice`.
    start : ndarray of int8, shape (S,)
        Codes of `Start`.
    probability : ndarray, shape (S, count)
        The network's own of the numbers of peaks, or that of the numbers of states.
    choice : ndarray, shape (S, choice), or None
        Probabilities of the models in `Chosen.choices`.
    chosen : ndarray of int, shape (S,), or None
        Which of them it is.
    """

    results: FitResults
    score: Floats
    start: npt.NDArray[np.int8]
    probability: Floats
    choice: Floats | None = None
    chosen: Numbers | None = None

    @classmethod
    def not_done(cls, options: "FindOptions", n: int) -> "Outcome":
        """Outcome of n spectra that no fit has reached."""
        layout = options.fit.plain_layout(options.network.slots)
        return cls(
            FitResults.not_done(layout, n, covariance=options.fit.covariance),
            np.full((n, options.n_counts), -np.inf),
            np.zeros(n, dtype=np.int8),
            np.full((n, len(options.network.counts)), np.nan),
        )

    def sample(self, rows: Numbers) -> "Outcome":
        """The outcome of some of the spectra."""
        some = self.results.rows(rows), self.score[rows], self.start[rows], self.probability[rows]
        if self.choice is None or self.chosen is None:
            return Outcome(*some)
        return Outcome(*some, self.choice[rows], self.chosen[rows])

    def without_choice(self, rows: Numbers) -> "Outcome":
        """The outcome where nothing was chosen for some rows: they are no windows of a level."""
        if not rows.size:
            return self
        probability = self.probability.copy()
        probability[rows] = np.nan
        choice = None if self.choice is None else self.choice.copy()
        if choice is not None:
            choice[rows] = np.nan
        return replace(self, probability=probability, choice=choice)

    def take(self, rows: Numbers, choice: Choice) -> None:
        """Copy the chosen results of some rows into this outcome."""
        self.score[rows] = choice.score
        self.start[rows] = choice.start
        self.results.copy_from(rows, choice.results)


@dataclass(frozen=True)
class Chosen:
    """What was chosen for all spectra of a call.

    Attributes
    ----------
    question : Question
    options : FitOptions
        Line shape and background; of one spectrum also the links of its lines.
    choices : tuple of str
        Sentences of the models that a spectrum can have; of one spectrum the chosen one first.
    words : str
        What was chosen and what came second.
    structure : Structure or None
        Of many spectra.
    outcome : Outcome or None
        Of one spectrum, which is fitted by then.
    """

    question: Question
    options: FitOptions
    choices: tuple[str, ...]
    words: str
    structure: Structure | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True)
class FindOptions:
    """Options of a call of `fit`, the same for all of its spectra; see `fit`.

    Attributes
    ----------
    fit : FitOptions
    network : PredictOptions
        For starts: of every number of peaks, where this number is to be found.
    sign : int
        -1 where the user's scale is kinetic: constraints count peaks in ascending energy there.
    min_probability : float
    neighbors, follow : bool
        Whether spectra help each other, and whether peaks are followed over the map.
    n_states : int or None
        How many states are followed; None to find out.
    chosen : Chosen or None
        The model in states; None where lines are counted.
    """

    fit: FitOptions
    network: PredictOptions
    sign: int = 1
    min_probability: float = 0.05
    neighbors: bool = False
    follow: bool = False
    n_states: int | None = None
    chosen: Chosen | None = None

    @property
    def finds_n_peaks(self) -> bool:
        """Whether the number of peaks is to be found."""
        return self.network.n_peaks == "auto"

    @property
    def needs_map(self) -> bool:
        """Whether spectra need more than themselves."""
        return self.neighbors or self.follow

    @property
    def n_counts(self) -> int:
        """How many numbers of peaks there are, from 0."""
        return max(*self.network.counts, self.network.slots) + 1

    def without_cancel(self) -> "FindOptions":
        """The same options for work that is never stopped."""
        return replace(
            self, fit=replace(self.fit, cancel=None), network=replace(self.network, cancel=None)
        )
