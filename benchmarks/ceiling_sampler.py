"""Posterior of the number of peaks under the simulator's own prior, by tempered Monte Carlo.

For `bench_ceiling.py`; what is unknown, and how probable it is, stands in `ceiling_density`.

`anneal` is sequential Monte Carlo: particles are drawn from a start q (the prior p, or around given
peaks), then weighted and moved for q^(1 - b) (p L)^b while b grows from 0 to 1, with the likelihood
L. The moves (births and deaths, splitting and merging, differences of other particles, random
steps) leave that density as it is; the number of peaks is part of the state.
"""

from typing import Any

import numpy as np
from ceiling_density import (
    KINDS,
    PEAK,
    SHAPE_HIGH,
    SHAPE_LOW,
    SLOTS,
    WIDEST_TERM,
    Curves,
    Data,
    Floats,
    State,
    all_lines,
    draw_near,
    draw_prior,
    line_curves,
    log_near,
    log_prior,
    log_prior_terms,
    log_sum,
    normal,
    residuals,
    scale_of,
    taken,
    term_curve,
)


def chosen(rng: np.random.Generator, on: Any) -> Any:
    """A random slot that holds a peak (P,); 0 where no slot does."""
    return np.where(on, rng.random(on.shape), -1.0).argmax(axis=1)


def pick(values: Any, slot: Any) -> Any:
    """One slot of every row."""
    return values[np.arange(len(slot)), slot]


class Bank:
    """Lines at even centers with several widths, whitened, to propose a peak from a residual."""

    def __init__(self, data: Data) -> None:
        n_centers = min(data.axis.size, 96)
        self.step = 1.04 / n_centers
        self.centers = -0.02 + self.step * (np.arange(n_centers) + 0.5)
        n_widths = 6
        self.low = np.log(data.narrowest)
        self.ratio = (np.log(data.widest) - self.low) / n_widths
        widths = np.exp(self.low + self.ratio * (np.arange(n_widths) + 0.5))
        z2 = ((data.axis - self.centers[None, :, None]) / widths[:, None, None]) ** 2
        bank = 0.7 * np.exp(-4 * np.log(2) * z2) + 0.3 / (1 + 4 * z2)
        bank = data.whiten(bank.reshape(-1, data.axis.size))
        flat = data.whiten(np.ones(data.axis.size))
        bank = bank - np.outer(bank @ flat / (flat @ flat), flat)
        self.size = np.sqrt((bank**2).sum(axis=1)) + 1e-9
        self.unit = (bank / self.size[:, None]).T.astype(np.float32)

    def score(self, residual: Any, b: float) -> tuple[Floats, Floats]:
        """Signal to noise of a line in every cell (P, cells), and log probability of the cell."""
        t = (residual @ self.unit).astype(float)
        weight = 0.8 * np.minimum(0.5 * b * np.maximum(t, 0.0) ** 2, 300.0)
        return t, weight - log_sum(weight)[:, None]

    def cell(self, center: Floats, width: Floats) -> tuple[Any, Any]:
        """Number of the cell of a peak, and whether it lies in one."""
        i = np.floor((center + 0.02) / self.step).astype(int)
        a = np.floor((width - self.low) / self.ratio).astype(int)
        n = len(self.centers)
        inside = (i >= 0) & (i < n) & (a >= 0) & (a < 6)
        return np.clip(a, 0, 5) * n + np.clip(i, 0, n - 1), inside

    def height(self, t: Any, cell: Any, b: float) -> Floats:
        """Logarithm of the height that a cell's signal to noise means."""
        return np.log(np.maximum(t, 1 / np.sqrt(b)) / self.size[cell])


BLIND, SPREAD = 0.4, 0.35
STARTS = 16


class Sampler:
    """Particles of one spectrum with the moves that leave prior x likelihood^b as it is."""

    def __init__(
        self,
        rng: np.random.Generator,
        data: Data,
        n: int,
        offset: float,
        guides: tuple[State, ...] = (),
    ) -> None:
        self.rng, self.data, self.bank, self.guides = rng, data, Bank(data), guides
        # Most starts around given peaks lie outside of the prior's support: draw more, keep n.
        drawn = n * STARTS if guides else n
        self.state = draw_prior(rng, drawn, data, offset)
        if guides:
            owner = rng.integers(0, len(guides), drawn)
            every = [draw_near(rng, self.state, guide, data) for guide in guides]
            self.state = {
                name: np.stack([one[name] for one in every])[owner, np.arange(drawn)]
                for name in self.state
            }
        inside = np.flatnonzero(np.isfinite(log_prior(self.state, data)))
        self.state = taken(self.state, inside)
        self.curves = residuals(self.state, all_lines(self.state, data), data)
        self.log_prior = self._prior(self.state, self.curves)
        self.log_start = self._start(self.state, self.log_prior)
        inside = np.flatnonzero(np.isfinite(self.log_prior))
        self.log_inside = float(np.log(inside.size / drawn))
        self.take(rng.permutation(inside)[:n])
        self.b = 1e-9
        self.tried: dict[str, list[float]] = {}

    # `anneal` needs these four.
    def log_ratio(self) -> Floats:
        """Prior x likelihood over the density at the start, of every particle (logarithm)."""
        with np.errstate(invalid="ignore"):
            own = self.log_prior - self.log_start - 0.5 * self.curves.chi_square
        return np.where(np.isfinite(self.log_prior), own, -np.inf)

    def take(self, rows: Any) -> None:
        """Keep these particles."""
        self.state = taken(self.state, rows)
        c = self.curves
        self.curves = Curves(c.lines[rows], c.residual[rows], c.chi_square[rows], c.offset[rows])
        self.log_prior = self.log_prior[rows]
        self.log_start = self.log_start[rows]

    def move(self, b: float, rounds: int) -> None:
        """Move all particles at this b."""
        self.b = b
        for _ in range(rounds):
            self.birth_or_death()
            self.peaks()
            self.terms()
            self.heights()
            self.relocate()
            self.differences()
            self.split_or_merge()
            self.peaks()
            self.hidden()
            self.terms()
            self.shapes()
            self.differences()

    @property
    def n(self) -> int:
        """Number of particles."""
        return len(self.log_prior)

    def _prior(self, s: State, curves: Curves) -> Floats:
        return log_prior(s, self.data) + log_prior_terms(s, curves.offset)

    def _start(self, s: State, prior: Floats) -> Floats:
        if not self.guides:
            return prior
        every = np.stack([log_near(s, guide, self.data) for guide in self.guides], axis=1)
        return log_sum(every) - np.log(len(self.guides))

    def _decide(self, name: str, s: State, lines_: Any, log_ratio: Floats, asked: Any) -> None:
        """Accept or refuse a proposal; `lines_` are all lines of it (P, 6, n)."""
        new = residuals(s, lines_, self.data)
        prior = self._prior(s, new)
        self._keep(name, s, new, prior, log_ratio, asked)

    def _keep(
        self, name: str, s: State, new: Curves, prior: Floats, log_ratio: Floats, asked: Any
    ) -> None:
        with np.errstate(invalid="ignore"):
            start = self._start(s, prior)
            change = self.b * (prior - self.log_prior) + log_ratio
            change += (1 - self.b) * (start - self.log_start)
            change -= 0.5 * self.b * (new.chi_square - self.curves.chi_square)
            change = np.where(np.isfinite(prior), change, -np.inf)
        good = asked & (np.log(self.rng.random(self.n)) < change)
        rows = np.flatnonzero(good)
        for key, values in s.items():
            self.state[key][rows] = values[rows]
        own = self.curves
        if new.lines is not own.lines:
            own.lines[rows] = new.lines[rows]
        own.residual[rows] = new.residual[rows]
        own.chi_square[rows] = new.chi_square[rows]
        own.offset[rows] = new.offset[rows]
        self.log_prior[rows], self.log_start[rows] = prior[rows], start[rows]
        self.tried.setdefault(name, [0, 0])
        self.tried[name][0] += good.sum()
        self.tried[name][1] += asked.sum()

    def _steps(self, least: float = 0.5) -> Floats:
        """Sizes of random steps (P,), on a logarithmic scale down to what the data resolve."""
        low = np.log(min(least / np.sqrt(1 + self.b * self.data.signal / 10), 0.3))
        return np.exp(low * self.rng.random(self.n))

    def peaks(self) -> None:
        """Random steps of one peak."""
        rng, s = self.rng, taken(self.state, slice(None))
        slot = chosen(rng, s["on"])
        size = self._steps()
        rows = np.arange(self.n)
        unit = np.exp(s["typical"])
        for name, factor in (
            ("center", 0.7 * unit),
            ("width", 1.0),
            ("height", 1.0),
            ("fraction", 0.7),
        ):
            step = size * factor * rng.standard_normal(self.n) * (rng.random(self.n) < 0.7)
            s[name][rows, slot] += step
        self._replace("peaks", s, slot, np.zeros(self.n))

    def _replace(self, name: str, s: State, slot: Any, log_ratio: Floats) -> None:
        """Decide on a proposal that changes one slot."""
        rows = np.arange(self.n)
        new = self.curves.lines.copy()
        new[rows, slot] = line_curves(s, slot, self.data) * s["on"][rows, slot, None]
        self._decide(name, s, new, log_ratio, s["on"].any(axis=1))

    def _whole(self, curves: Any) -> Any:
        """Whitened curves without their part along a constant."""
        flat = self.data.whiten(np.ones(self.data.axis.size)).astype(np.float32)
        found = self.data.whiten(curves).astype(np.float32)
        return found - (found @ flat / (flat @ flat))[:, None] * flat

    def terms(self) -> None:
        """A term of the background from its conditional distribution, or none."""
        rng, s = self.rng, taken(self.state, slice(None))
        j = int(rng.integers(0, 5))
        height = np.where(s["on"], np.exp(s["height"]), 0.0).astype(np.float32)
        total = np.einsum("ps,psn->pn", height, self.curves.lines)
        if j == 4:
            away = s["terms"][:, 4] == 0
            side = 0.5 + rng.choice([-1, 1], self.n) * rng.uniform(0.6, 1.2, self.n)
            self.state["place"] = np.where(away, side, self.state["place"])
            s["place"] = self.state["place"].copy()
            near = s["place"] + 0.1 * rng.standard_normal(self.n) * (rng.random(self.n) < 0.5)
            near = np.where(away, s["place"], near)
            ok = (np.abs(near - 0.5) > 0.6) & (np.abs(near - 0.5) < 1.2)
        curve = term_curve(j, total, s["place"], self.data)
        phi = self._whole(np.broadcast_to(curve, (self.n, self.data.axis.size)))
        old = s["terms"][:, j].copy()
        size = np.einsum("pn,pn->p", phi, phi).astype(float) + 1e-12
        best = np.einsum("pn,pn->p", phi, self.curves.residual).astype(float) / size + old
        scale = scale_of(s)
        middle, wide = (0.0, 0.25) if j < 2 else (WIDEST_TERM[j] / 2, 0.4 * WIDEST_TERM[j])
        precision = self.b * size + 1 / (wide * scale) ** 2
        mean = (self.b * size * best + middle * scale / (wide * scale) ** 2) / precision
        deviation = 1.1 / np.sqrt(precision)

        def log_q(values: Floats) -> Floats:
            return np.where(values == 0, np.log(0.3), np.log(0.7) + normal(values, mean, deviation))

        fresh = mean + deviation * rng.standard_normal(self.n)
        fresh = np.where(rng.random(self.n) < 0.3, 0.0, fresh)
        s["terms"][:, j] = fresh
        asked = np.ones(self.n, bool)
        if j == 4 and rng.random() < 0.5:  # move the place, keep the term
            s["terms"][:, j], s["place"] = old, near
            self._decide("place", s, self.curves.lines, np.zeros(self.n), ok & ~away)
            return
        self._decide("terms", s, self.curves.lines, log_q(old) - log_q(fresh), asked)

    def heights(self) -> None:
        """The height of one peak from its conditional distribution."""
        rng, s = self.rng, taken(self.state, slice(None))
        slot = chosen(rng, s["on"])
        rows = np.arange(self.n)
        phi = self._whole(pick(self.curves.lines, slot))
        size = np.einsum("pn,pn->p", phi, phi).astype(float) + 1e-12
        deviation = 1.1 / np.sqrt(self.b * size)
        old = np.exp(s["height"][rows, slot])
        best = old + np.einsum("pn,pn->p", phi, self.curves.residual).astype(float) / size
        fresh = best + deviation * rng.standard_normal(self.n)
        asked = (fresh > 0) & s["on"].any(axis=1)
        fresh = np.where(asked, fresh, old)
        s["height"][rows, slot] = np.log(fresh)
        new = residuals(s, self.curves.lines, self.data)
        back = fresh + np.einsum("pn,pn->p", phi, new.residual).astype(float) / size
        ratio = normal(old, back, deviation) + np.log(old)
        ratio = ratio - normal(fresh, best, deviation) - np.log(fresh)
        self._keep("heights", s, new, self._prior(s, new), ratio, asked)

    def _log_birth(self, s: State, peak: dict[str, Floats], score: Any) -> Floats:
        """Log density of a proposed peak; `s` is the state without it."""
        t, log_cell = score
        cell, inside = self.bank.cell(peak["center"], peak["width"])
        seen = pick(log_cell, cell) - np.log(self.bank.step * self.bank.ratio)
        seen = seen + normal(peak["height"], self.bank.height(pick(t, cell), cell, self.b), SPREAD)
        seen = np.where(inside, seen, -np.inf)
        c = peak["center"]
        blind = np.where((c > -0.02) & (c < 1.02), -np.log(1.04), -np.inf)
        blind = blind + normal(peak["width"], s["typical"], 0.3)
        blind = blind + normal(peak["height"], np.log(scale_of(s)) - 1.5, 1.5)
        both = np.logaddexp(np.log(1 - BLIND) + seen, np.log(BLIND) + blind)
        f = peak["fraction"]
        near = normal(f, s["common"], 0.06)
        flat = np.where((f >= 0) & (f <= 1), np.log(0.3), -np.inf)
        return both + np.logaddexp(np.log(0.7) + near, flat)

    def _draw_birth(self, s: State, score: Any) -> dict[str, Floats]:
        rng, n, bank = self.rng, self.n, self.bank
        t, log_cell = score
        cell = (log_cell + rng.gumbel(size=log_cell.shape)).argmax(axis=1)
        m = len(bank.centers)
        blind = rng.random(n) < BLIND
        c = bank.centers[cell % m] + bank.step * (rng.random(n) - 0.5)
        y = bank.low + bank.ratio * (cell // m + rng.random(n))
        v = bank.height(pick(t, cell), cell, self.b) + SPREAD * rng.standard_normal(n)
        f = np.where(
            rng.random(n) < 0.7, s["common"] + 0.06 * rng.standard_normal(n), rng.random(n)
        )
        return {
            "center": np.where(blind, -0.02 + 1.04 * rng.random(n), c),
            "width": np.where(blind, s["typical"] + 0.3 * rng.standard_normal(n), y),
            "height": np.where(blind, np.log(scale_of(s)) - 1.5 + 1.5 * rng.standard_normal(n), v),
            "fraction": f,
        }

    def birth_or_death(self) -> None:
        """One peak more, where the residual asks for it, or one less."""
        rng, s = self.rng, taken(self.state, slice(None))
        rows, k = np.arange(self.n), s["on"].sum(axis=1)
        birth = rng.random(self.n) < 0.5
        asked = np.where(birth, k < SLOTS, k > 0)
        slot = np.where(birth, chosen(rng, ~s["on"]), chosen(rng, s["on"]))
        # The state without the peak: the present one for a birth, the proposed one for a death.
        bare = taken(s, slice(None))
        without = self.curves.lines.copy()
        dead = np.flatnonzero(asked & ~birth)
        bare["on"][dead, slot[dead]] = False
        without[dead, slot[dead]] = 0
        base = residuals(bare, without, self.data)
        score = self.bank.score(base.residual, self.b)
        fresh = self._draw_birth(bare, score)
        peak = {name: np.where(birth, fresh[name], s[name][rows, slot]) for name in PEAK}
        log_q = self._log_birth(bare, peak, score)
        larger = np.where(birth, k + 1, k)
        free = np.log(np.maximum(SLOTS + 1 - larger, 1))  # a birth takes one of the free slots
        ratio = np.where(birth, -1, 1) * (log_q + np.log(np.maximum(larger, 1)) - free)
        s["on"][rows, slot] = np.where(asked, birth, s["on"][rows, slot])
        for name in PEAK:
            s[name][rows, slot] = np.where(birth & asked, fresh[name], s[name][rows, slot])
        born = np.flatnonzero(birth & asked)
        part = taken(s, born)
        without[born, slot[born]] = line_curves(part, slot[born], self.data)
        self._decide("birth or death", s, without, ratio, asked)

    def relocate(self) -> None:
        """One peak away, and one where the residual asks for it."""
        rng, s = self.rng, taken(self.state, slice(None))
        rows = np.arange(self.n)
        slot = chosen(rng, s["on"])
        asked = s["on"].any(axis=1)
        bare = taken(s, slice(None))
        bare["on"][rows, slot] = False
        new = self.curves.lines.copy()
        new[rows, slot] = 0
        base = residuals(bare, new, self.data)
        score = self.bank.score(base.residual, self.b)
        old = {name: s[name][rows, slot] for name in PEAK}
        fresh = self._draw_birth(bare, score)
        ratio = self._log_birth(bare, old, score) - self._log_birth(bare, fresh, score)
        for name in PEAK:
            s[name][rows, slot] = np.where(asked, fresh[name], old[name])
        new[rows, slot] = line_curves(s, slot, self.data) * asked[:, None]
        self._decide("relocate", s, new, np.where(asked, ratio, 0.0), asked)

    def split_or_merge(self) -> None:
        """One peak as two, or two neighbors as one."""
        rng, s = self.rng, taken(self.state, slice(None))
        rows, k = np.arange(self.n), s["on"].sum(axis=1)
        split = rng.random(self.n) < 0.5
        asked = np.where(split, (k > 0) & (k < SLOTS), k > 1)
        order = np.argsort(np.where(s["on"], s["center"], np.inf), axis=1)
        place = np.floor(rng.random(self.n) * np.maximum(k - 1, 1)).astype(int)
        left = np.where(split, chosen(rng, s["on"]), order[rows, place])
        right = np.where(
            split, chosen(rng, ~s["on"]), order[rows, np.minimum(place + 1, SLOTS - 1)]
        )
        swap = ~split & (rng.random(self.n) < 0.5)  # either slot keeps the merged peak
        left, right = np.where(swap, right, left), np.where(swap, left, right)
        size = rng.choice([0.25, 0.08, 0.02], self.n)
        old_left = {name: s[name][rows, left] for name in PEAK}
        old_right = {name: s[name][rows, right] for name in PEAK}
        one = {name: v + 0.0 for name, v in old_left.items()}
        two_a, two_b = self._draw_pair(one, size)
        mean = _merged(old_left, old_right)
        fresh = {
            name: mean[name] + _spread(name, mean, size) * rng.standard_normal(self.n)
            for name in PEAK
        }
        whole = {name: np.where(split, one[name], fresh[name]) for name in PEAK}
        a = {name: np.where(split, two_a[name], old_left[name]) for name in PEAK}
        c = {name: np.where(split, two_b[name], old_right[name]) for name in PEAK}
        middle = _merged(a, c)
        with np.errstate(invalid="ignore", over="ignore"):
            log_merge = sum(
                normal(whole[name], middle[name], _spread(name, middle, size)) for name in PEAK
            )
            log_split = _log_pair(whole, a, c, size)
            free = np.log(np.maximum(SLOTS - np.where(split, k, k - 1), 1))
            ratio = np.where(split, 1, -1) * (log_merge - log_split + free - np.log(2))
        for name in PEAK:
            new_left = np.where(split, a[name], whole[name])
            s[name][rows, left] = np.where(asked, new_left, old_left[name])
            s[name][rows, right] = np.where(asked & split, c[name], old_right[name])
        s["on"][rows, right] = np.where(asked, split, s["on"][rows, right])
        after = np.argsort(np.where(s["on"], s["center"], np.inf), axis=1)
        rank_left = (after == left[:, None]).argmax(axis=1)
        rank_right = (after == right[:, None]).argmax(axis=1)
        asked = asked & (~split | (np.abs(rank_left - rank_right) == 1)) & np.isfinite(ratio)
        new = self.curves.lines.copy()
        there = np.isfinite(s["center"][rows, left]) & s["on"][rows, left]
        new[rows, left] = line_curves(s, left, self.data) * there[:, None]
        new[rows, right] = line_curves(s, right, self.data) * s["on"][rows, right, None]
        self._decide("split or merge", s, new, np.where(asked, ratio, 0.0), asked)

    def _draw_pair(self, one: Any, size: Floats) -> tuple[Any, Any]:
        """Two peaks in place of one."""
        rng, n = self.rng, self.n
        mean, deviation = _first(one)
        a = {name: mean[name] + deviation[name] * rng.standard_normal(n) for name in PEAK}
        mean, deviation = _second(one, a, size)
        b = {name: mean[name] + deviation[name] * rng.standard_normal(n) for name in PEAK}
        return a, b

    def differences(self) -> None:
        """Steps along differences of two other particles with as many peaks (ter Braak 2006)."""
        rng = self.rng
        half = rng.permutation(self.n)
        half = half[: self.n // 2], half[self.n // 2 :]
        asked = np.zeros(self.n, bool)
        s = taken(self.state, slice(None))
        new = self.curves.lines
        mine, others = half
        key = self.state["on"].sum(axis=1) * 4 + self.state["kind"]
        sorted_others = others[np.argsort(key[others], kind="stable")]
        start = np.searchsorted(key[sorted_others], key[mine], "left")
        number = np.searchsorted(key[sorted_others], key[mine], "right") - start
        mine, start, number = (x[number > 1] for x in (mine, start, number))
        if not mine.size:
            return
        a, b = (sorted_others[start + rng.integers(0, number)] for _ in range(2))
        order = np.argsort(np.where(s["on"], s["center"], np.inf), axis=1)
        k = s["on"].sum(axis=1)[mine]
        n_free = 4 * k + 6
        every = rng.random(mine.size) < 0.5
        first = np.floor(rng.random(mine.size) * np.maximum(k, 1)).astype(int)
        rank = np.arange(SLOTS)
        moved = every[:, None] | ((rank >= first[:, None]) & (rank <= first[:, None] + 1))
        moved &= rank < k[:, None]
        n_free = np.where(every, n_free, 11)
        factor = 2.38 / np.sqrt(2 * n_free) * rng.choice([0.3, 1.0], mine.size)
        factor = np.where(rng.random(mine.size) < 0.1, 1.0, factor)[:, None]
        for name in PEAK:
            one, two = (np.take_along_axis(s[name][x], order[x], axis=1) for x in (a, b))
            own = np.take_along_axis(s[name][mine], order[mine], axis=1)
            own = np.where(moved, own + factor * (one - two), own)
            back = s[name][mine]
            np.put_along_axis(back, order[mine], own, axis=1)
            s[name][mine] = back
        terms = [s["terms"][x] for x in (mine, a, b)]
        there = (terms[0] != 0) & (terms[1] != 0) & (terms[2] != 0)
        there &= every[:, None] | (rng.random(mine.size) < 0.5)[:, None]
        s["terms"][mine] = np.where(there, terms[0] + factor * (terms[1] - terms[2]), terms[0])
        f = np.where(every[:, None], factor, 0.0)
        s["shape"][mine] += f * (s["shape"][a] - s["shape"][b])
        for name in ("typical", "common"):
            s[name][mine] += f[:, 0] * (s[name][a] - s[name][b])
        inside = _shape_inside(s["shape"][mine])
        asked[mine] = inside
        part = taken(s, mine)
        new = self.curves.lines.copy()
        new[mine] = all_lines(part, self.data)
        self._decide("differences", s, new, np.zeros(self.n), asked)

    def hidden(self) -> None:
        """Values that the likelihood does not depend on."""
        rng = self.rng
        for _ in range(2):
            for name, size in (("typical", 0.3), ("common", 0.2)):
                s = dict(self.state)
                step = size * rng.choice([1.0, 0.2, 0.05], self.n) * rng.standard_normal(self.n)
                s[name] = s[name] + step
                self._keep(
                    name,
                    s,
                    self.curves,
                    self._prior(s, self.curves),
                    np.zeros(self.n),
                    np.ones(self.n, bool),
                )
        s = dict(self.state)
        some = s["on"].any(axis=1)
        fresh = np.log(scale_of(s)) + rng.standard_normal(self.n)
        s["empty_scale"] = np.where(
            some, fresh, s["empty_scale"] + 0.7 * rng.standard_normal(self.n)
        )
        ratio = np.where(some, normal(self.state["empty_scale"], np.log(scale_of(s)), 1.0), 0.0)
        ratio = ratio - np.where(some, normal(s["empty_scale"], np.log(scale_of(s)), 1.0), 0.0)
        every = np.ones(self.n, bool)
        self._keep("scale", s, self.curves, self._prior(s, self.curves), ratio, every)

    def shapes(self) -> None:
        """The kind of asymmetry from the prior, or steps of its values."""
        rng, s = self.rng, taken(self.state, slice(None))
        fresh = rng.random(self.n) < 0.5
        kind = rng.choice(4, self.n, p=np.exp(KINDS))
        shape = SHAPE_LOW + (SHAPE_HIGH - SHAPE_LOW) * rng.random((self.n, 4))
        step = self._steps()[:, None] * 0.3 * rng.standard_normal((self.n, 4))
        ratio = np.where(fresh, KINDS[s["kind"]] - KINDS[kind], 0.0)
        s["kind"] = np.where(fresh, kind, s["kind"])
        s["shape"] = np.where(fresh[:, None], shape, s["shape"] + step)
        asked = _shape_inside(s["shape"]) & ((s["kind"] > 0) | (self.state["kind"] > 0))
        rows = np.flatnonzero(asked)
        new = self.curves.lines.copy()
        if rows.size:
            new[rows] = all_lines(taken(s, rows), self.data)
        self._decide("shapes", s, new, ratio, asked)


def _shape_inside(shape: Floats) -> Any:
    return ((shape >= SHAPE_LOW) & (shape <= SHAPE_HIGH)).all(axis=1)


def _area(peak: Any) -> Floats:
    return np.exp(peak["height"] + peak["width"])


def _merged(a: Any, b: Any) -> dict[str, Floats]:
    """One peak with the area, center and variance of two."""
    share = _area(a) / (_area(a) + _area(b))
    center = share * a["center"] + (1 - share) * b["center"]
    square = share * np.exp(2 * a["width"]) + (1 - share) * np.exp(2 * b["width"])
    square = square + 5.5 * share * (1 - share) * (a["center"] - b["center"]) ** 2
    width = 0.5 * np.log(square)
    height = np.log(_area(a) + _area(b)) - width
    fraction = share * a["fraction"] + (1 - share) * b["fraction"]
    return {"center": center, "width": width, "height": height, "fraction": fraction}


def _spread(name: str, peak: Any, size: Floats) -> Any:
    return size * (np.exp(peak["width"]) if name == "center" else 1.0)


def _first(one: Any) -> tuple[Any, Any]:
    """Means and standard deviations of the first of two peaks in place of one."""
    mean = {**one, "width": one["width"] - 0.25, "height": one["height"] - 0.4}
    deviation = {
        "center": 0.45 * np.exp(one["width"]),
        "width": 0.25,
        "height": 0.6,
        "fraction": 0.06,
    }
    return mean, deviation


def _second(one: Any, a: Any, size: Floats) -> tuple[Any, Any]:
    """Means and standard deviations of the second, which has what the first leaves."""
    whole = _area(one)
    rest = np.maximum(whole - _area(a), 0.05 * whole)
    center = one["center"] - _area(a) / rest * (a["center"] - one["center"])
    mean = {
        "center": np.clip(center, -0.1, 1.1),
        "width": a["width"],
        "height": np.log(rest) - a["width"],
        "fraction": a["fraction"],
    }
    deviation = {
        "center": size * np.exp(one["width"]),
        "width": size + 0.1,
        "height": size,
        "fraction": 0.06,
    }
    return mean, deviation


def _log_pair(one: Any, a: Any, b: Any, size: Floats) -> Floats:
    """Log density of two peaks in place of one."""
    mean, deviation = _first(one)
    found = sum(normal(a[name], mean[name], deviation[name]) for name in PEAK)
    mean, deviation = _second(one, a, size)
    return found + sum(normal(b[name], mean[name], deviation[name]) for name in PEAK)


def anneal(
    rng: np.random.Generator, particles: Any, rounds: int, least: float = 0.5
) -> tuple[float, list[float]]:
    """Take particles from the prior to the posterior; return ln of the evidence, and every b.

    Parameters
    ----------
    particles : object
        Particles from the start, with ``n``, ``log_ratio()``, ``take(rows)`` and
        ``move(b, rounds)`` (`Sampler`).
    rounds : int
        Rounds of moves after every step.
    least : float
        Effective part of the particles after a step.

    Returns
    -------
    float, list of float
        Without the constant of the likelihood.
    """
    b, evidence, ladder = 0.0, 0.0, []
    while b < 1.0:
        own = particles.log_ratio()

        def effective(step: float, own: Floats = own) -> float:
            weight = step * own
            return float(2 * log_sum(weight) - log_sum(2 * weight))

        low, high = 0.0, 1.0 - b
        if effective(high) < np.log(least * particles.n):
            low = 1e-12
            for _ in range(60):
                middle = np.sqrt(low * high)
                enough = effective(middle) > np.log(least * particles.n)
                low, high = (middle, high) if enough else (low, middle)
            high = low
        weight = high * own
        evidence += float(log_sum(weight)) - np.log(particles.n)
        b = min(b + high, 1.0)
        share = np.exp(weight - log_sum(weight))
        at = (rng.random() + np.arange(particles.n)) / particles.n
        particles.take(np.minimum(np.searchsorted(np.cumsum(share), at), particles.n - 1))
        particles.move(b, rounds)
        ladder.append(b)
    return evidence, ladder
