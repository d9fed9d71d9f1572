"""Line shapes: values, exact derivatives and areas of photoemission lines.

Every shape is given by the ``center`` [eV] and ``height`` [counts] of the line's maximum and the
``fwhm`` [eV] of the whole line; further parameters have no unit. Definitions, with references, are
in ``docs/definitions.md``. Energies are binding-like: larger is more tightly bound.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
from numpy.polynomial import Chebyshev
from scipy import special

from xpsnet.numerics.kernels import shape_codes as codes

__all__ = ["LINE_SHAPES", "PARK2020_FWHM_PER_WIDTH", "LineShape"]

Floats = npt.NDArray[np.float64]

PARK2020_FWHM_PER_WIDTH = codes.PARK_FWHM_PER_WIDTH
"""Width of the whole line over the ``w`` of Eq. 1 of Park et al. 2020."""

_LN2 = np.log(2.0)
_COMMON = ("center", "fwhm", "height")


@dataclass(frozen=True, eq=False)
class LineShape:
    """One line shape: names of its parameters and the functions of them.

    Attributes
    ----------
    name : str
        Key in `LINE_SHAPES`.
    parameters : tuple of str
        ``("center", "fwhm", "height")`` and then the extra parameters, in call order.
    default, limits : mapping
        Start value and (lower, upper) limits of every extra parameter.
    held : tuple of str
        Extra parameters that a fit holds at their start unless a constraint names them.
    """

    name: str
    parameters: tuple[str, ...]
    default: Mapping[str, float]
    limits: Mapping[str, tuple[float, float]]
    held: tuple[str, ...]
    _code: int = field(repr=False)
    # Area of the unit line (fwhm 1, height 1) from the extra parameters; None where it diverges.
    _unit_area: Callable[..., Floats] | None = field(repr=False)
    # Integral of the unit line up to t, with any constant; None where quadrature is needed.
    _unit_integral: Callable[..., Floats] | None = field(repr=False)

    def value(self, energy: npt.ArrayLike, *parameters: npt.ArrayLike) -> Floats:
        """Line on an energy axis.

        Parameters
        ----------
        energy : array_like, shape (n,) or (..., n)
            Binding-like energy [eV], in any order.
        *parameters : array_like, shape (...)
            One per name in `parameters`; they broadcast with each other and with the batch axes
            of `energy`.

        Returns
        -------
        ndarray, shape (..., n)
            Line [unit of height]; NaN where a parameter or an energy is NaN.

        Raises
        ------
        ValueError
            If the number of parameters is not that of the shape.
        """
        out, _, batch = self._evaluate(energy, parameters, 0)
        return out.reshape(*batch, out.shape[-1])

    def value_and_derivatives(
        self, energy: npt.ArrayLike, *parameters: npt.ArrayLike
    ) -> tuple[Floats, Floats]:
        """Line and its exact derivatives by every parameter.

        Parameters
        ----------
        energy : array_like, shape (n,) or (..., n)
            Binding-like energy [eV], in any order.
        *parameters : array_like, shape (...)
            As for `value`.

        Returns
        -------
        value : ndarray, shape (..., n)
            Line [unit of height].
        derivatives : ndarray, shape (..., n, n_parameters)
            Derivatives in the order of `parameters`.

        Raises
        ------
        ValueError
            If the number of parameters is not that of the shape.
        """
        out, derivatives, batch = self._evaluate(energy, parameters, len(self.parameters))
        return out.reshape(*batch, out.shape[-1]), derivatives.reshape(
            *batch, *derivatives.shape[1:]
        )

    @property
    def area(self) -> Callable[..., Floats] | None:
        """Function ``area(*parameters) -> (...)``: the exact integral over all energies.

        None where that integral diverges (the Doniach-Sunjic family); use `area_over` there.
        """
        return None if self._unit_area is None else self._whole_area

    def area_over(self, energy: npt.ArrayLike, *parameters: npt.ArrayLike) -> Floats:
        """Integral of the line over the range of an energy axis.

        Parameters
        ----------
        energy : array_like, shape (n,) or (..., n)
            Binding-like energy [eV]; only its smallest and largest value count.
        *parameters : array_like, shape (...)
            As for `value`.

        Returns
        -------
        ndarray, shape (...)
            Area between the ends of the axis [unit of height times eV], positive in either
            direction of the axis.

        Raises
        ------
        ValueError
            If the number of parameters is not that of the shape.
        """
        center, fwhm, height, *extra = self._checked(parameters)
        axis = np.asarray(energy, dtype=np.float64)
        fwhm = np.where(fwhm < codes.MIN_FWHM, codes.MIN_FWHM, fwhm)
        low = (axis.min(axis=-1) - center) / fwhm
        high = (axis.max(axis=-1) - center) / fwhm
        if self._unit_integral is None:
            return height * fwhm * self._quadrature(low, high, extra)
        return np.asarray(
            height * fwhm * (self._unit_integral(high, *extra) - self._unit_integral(low, *extra))
        )

    def _whole_area(self, *parameters: npt.ArrayLike) -> Floats:
        """Exact integral over all energies."""
        _, fwhm, height, *extra = np.broadcast_arrays(*self._checked(parameters))
        if self._unit_area is None:
            raise ValueError(f"expected a shape of finite area, got {self.name!r}; use area_over")
        return np.asarray(height * np.maximum(fwhm, codes.MIN_FWHM) * self._unit_area(*extra))

    def _quadrature(self, low: Floats, high: Floats, extra: list[Floats]) -> Floats:
        """Integral of the unit line by Gauss-Legendre panels in u, where t = sinh(u) / 4."""
        nodes, weights = np.polynomial.legendre.leggauss(16)
        low_u, high_u = np.arcsinh(4 * low), np.arcsinh(4 * high)
        span = np.asarray(high_u - low_u)[..., None]
        # Panels as wide as what a line changes on, and no more of them than the widest range needs.
        widest = float(np.nan_to_num(np.abs(span)).max(initial=0.0))
        n_panels = int(np.clip(np.ceil(widest / 0.7), 16, 64))
        place = ((np.arange(n_panels)[:, None] + (nodes + 1) / 2) / n_panels).ravel()  # in (0, 1)
        u = np.asarray(low_u)[..., None] + span * place
        line = self.value(np.sinh(u) / 4, 0.0, 1.0, 1.0, *extra)
        panel = np.tile(weights / (2 * n_panels), n_panels)
        summed: Floats = (line * np.cosh(u) / 4 * span * panel).sum(axis=-1)
        return summed

    def _checked(self, parameters: tuple[npt.ArrayLike, ...]) -> list[Floats]:
        """Parameters as float arrays, refused when one is missing or too many."""
        if len(parameters) != len(self.parameters):
            raise ValueError(
                f"expected {len(self.parameters)} parameters {self.parameters} for line shape "
                f"{self.name!r}, got {len(parameters)}"
            )
        return [np.asarray(parameter, dtype=np.float64) for parameter in parameters]

    def _evaluate(
        self, energy: npt.ArrayLike, parameters: tuple[npt.ArrayLike, ...], n_derivatives: int
    ) -> tuple[Floats, Floats, tuple[int, ...]]:
        """Lines (m, n), derivatives (m, n, n_derivatives) or empty, and the shape of the m rows."""
        arrays = self._checked(parameters)
        # Copies: compiled code is specialised to writable C-ordered arrays, and only to those.
        axis = np.array(energy, dtype=np.float64, order="C", ndmin=1)
        n = axis.shape[-1]
        batch = np.broadcast_shapes(axis.shape[:-1], *(a.shape for a in arrays))
        table = np.zeros((*batch, codes.MOST_PARAMETERS))
        for column, array in enumerate(arrays):
            table[..., column] = array
        table = table.reshape(int(np.prod(batch)), codes.MOST_PARAMETERS)
        m = len(table)
        if axis.ndim == 1:
            rows = axis[None]
        else:
            rows = np.array(np.broadcast_to(axis, (*batch, n)), order="C").reshape(m, n)
        out = np.empty((m, n))
        derivatives = np.empty((m, n if n_derivatives else 0, n_derivatives))
        _fill_rows(self._code, rows, table, out, derivatives)
        return out, derivatives, batch


def _line_constants() -> Floats:
    """Room for the constants of one line of any shape."""
    from xpsnet.numerics.kernels.line_constants import N_LINE_CONSTANTS

    return np.empty(N_LINE_CONSTANTS)


def _fill_rows(
    code: int, energy: Floats, parameters: Floats, out: Floats, derivatives: Floats
) -> None:
    """Call the compiled loop of a shape; each family of kernels is compiled when first used."""
    constants = _line_constants()
    if code == codes.VOIGT:
        from xpsnet.numerics.kernels.voigt import voigt_rows

        voigt_rows(energy, parameters, out, derivatives, constants)
    elif code in (codes.DONIACH_SUNJIC, codes.DONIACH_SUNJIC_GAUSS):
        from xpsnet.numerics.kernels.doniach_sunjic import doniach_rows

        broadened = code == codes.DONIACH_SUNJIC_GAUSS
        doniach_rows(broadened, energy, parameters, out, derivatives, constants)
    elif code == codes.ASYMMETRIC_PSEUDO_VOIGT:
        from xpsnet.numerics.kernels.asymmetric import asymmetric_rows

        asymmetric_rows(energy, parameters, out, derivatives, constants)
    elif code in (codes.ASYMMETRIC_LORENTZIAN, codes.FINITE_LORENTZIAN):
        from xpsnet.numerics.kernels.powered_lorentzian import powered_rows

        powered_rows(energy, parameters, out, derivatives, constants)
    else:
        from xpsnet.numerics.kernels.elementary import elementary_rows

        elementary_rows(code, energy, parameters, out, derivatives, constants)


def _gaussian_integral(t: Floats) -> Floats:
    """Integral of the unit Gaussian from 0 to t."""
    return np.asarray(np.sqrt(np.pi / _LN2) / 4 * special.erf(2 * np.sqrt(_LN2) * t))


def _lorentzian_integral(t: Floats) -> Floats:
    """Integral of the unit Lorentzian from 0 to t."""
    return np.asarray(np.arctan(2 * t) / 2)


def _pseudo_voigt_integral(t: Floats, fraction: Floats) -> Floats:
    """Integral of the unit pseudo-Voigt line from 0 to t."""
    return fraction * _lorentzian_integral(t) + (1 - fraction) * _gaussian_integral(t)


def _park_integral(t: Floats) -> Floats:
    """Integral of the unit line of Park et al. from 0 to t."""
    x = t * PARK2020_FWHM_PER_WIDTH
    gaussian = np.sqrt(np.pi) / 2 * special.erf(codes.PARK_GAUSSIAN * x) / codes.PARK_GAUSSIAN
    lorentzian = np.arctan(codes.PARK_LORENTZIAN * x) / codes.PARK_LORENTZIAN
    both = (1 - codes.PARK_FRACTION) * gaussian + codes.PARK_FRACTION * lorentzian
    return np.asarray(both / PARK2020_FWHM_PER_WIDTH)


def _gl_product_area(fraction: Floats) -> Floats:
    """Area of the unit product line, from the integral of a Gaussian over a Lorentzian."""
    from xpsnet.numerics.kernels.elementary import gl_product_scales

    flat = np.array(fraction, dtype=np.float64, order="C", ndmin=1).ravel()
    scale = np.empty_like(flat)
    gl_product_scales(flat, scale, _line_constants())
    u = scale.reshape(np.shape(fraction))  # square of the scale that makes the width 1
    gaussian, lorentzian = 4 * _LN2 * (1 - fraction) * u, 4 * fraction * u
    tiny = lorentzian < 1e-12 * gaussian  # erfcx(z) = 1 / (z sqrt(pi)) to rounding
    ratio = np.sqrt(np.where(tiny, 1.0, gaussian / np.where(tiny, 1.0, lorentzian)))
    product = np.pi / np.sqrt(np.where(tiny, 1.0, lorentzian)) * special.erfcx(ratio)
    return np.where(tiny, np.sqrt(np.pi / np.where(tiny, gaussian, 1.0)), product)


def _voigt_area(fraction: Floats) -> Floats:
    """Area of the unit Voigt line: one over its width and the maximum of its profile of area 1."""
    from xpsnet.numerics.kernels.voigt import voigt_areas

    flat = np.array(fraction, dtype=np.float64, order="C", ndmin=1).ravel()
    out = np.empty_like(flat)
    voigt_areas(flat, out, _line_constants())
    return out.reshape(np.shape(fraction))


@lru_cache(maxsize=1)
def _skew_areas() -> tuple[Chebyshev, Chebyshev]:
    """Areas of the asymmetric unit Gaussian and Lorentzian, by asymmetry: smooth functions of it.

    Each is interpolated in 33 nodes (to rounding); at these, a double exponential rule integrates.
    """
    from xpsnet.numerics.kernels.asymmetric import asymmetric_widths

    s = np.linspace(-4.0, 4.0, 801)
    x = np.sinh(np.pi / 2 * np.sinh(s))
    weights = (s[1] - s[0]) * np.pi / 2 * np.cosh(s) * np.cosh(np.pi / 2 * np.sinh(s))

    def area(asymmetries: Floats, fraction: float) -> Floats:
        widths = np.empty(asymmetries.size)
        asymmetric_widths(asymmetries, widths, _line_constants())
        parameters = 0.0, widths, 1.0, fraction, asymmetries
        lines = LINE_SHAPES["asymmetric_pseudo_voigt"].value(x, *parameters)
        return np.asarray(lines @ weights / widths)

    gaussian, lorentzian = (
        Chebyshev.interpolate(area, 32, (0.0, codes.MAX_SKEW), args=(m,)) for m in (0.0, 1.0)
    )
    return gaussian, lorentzian


def _skew_area(fraction: Floats, asymmetry: Floats) -> Floats:
    """Area of the unit asymmetric pseudo-Voigt line."""
    gaussian, lorentzian = _skew_areas()
    asymmetry = np.clip(asymmetry, 0.0, codes.MAX_SKEW)
    return np.asarray((1 - fraction) * gaussian(asymmetry) + fraction * lorentzian(asymmetry))


def powered_places(
    fraction: npt.ArrayLike,
    exponent_high: npt.ArrayLike,
    exponent_low: npt.ArrayLike,
    damping: npt.ArrayLike = 0.0,
) -> Floats:
    """Where a Lorentzian to a power, convolved with a Gaussian, has its maximum and half of it.

    Parameters
    ----------
    fraction, exponent_high, exponent_low, damping : array_like, shape (...)
        Extra parameters of `asymmetric_lorentzian` and `finite_lorentzian`; a damping of 0 is none.

    Returns
    -------
    ndarray, shape (..., 4)
        Place of the maximum, counted from where both sides meet towards higher binding energy;
        half-widths towards lower and higher binding energy [all in widths of the Lorentzian];
        maximum of the convolution of a Lorentzian that is 1 high.
    """
    from xpsnet.numerics.kernels.powered_lorentzian import powered_places as fill

    given = np.broadcast_arrays(fraction, exponent_high, exponent_low, damping)
    table = np.stack(given, axis=-1).astype(np.float64)
    out = np.empty((table[..., 0].size, 4))
    fill(np.ascontiguousarray(table.reshape(-1, 4)), out, _line_constants())
    return out.reshape(table.shape)


def _powered_area(
    fraction: Floats, exponent_high: Floats, exponent_low: Floats, damping: npt.ArrayLike = 0.0
) -> Floats:
    """Area of the unit line: the Gaussian changes none, so that of both sides counts."""
    places = powered_places(fraction, exponent_high, exponent_low, damping)
    width = places[..., 1] + places[..., 2]
    sides = [_side_area(exponent, damping) for exponent in (exponent_high, exponent_low)]
    return np.asarray((sides[0] + sides[1]) / (width * places[..., 3]))


def _side_area(exponent: Floats, damping: npt.ArrayLike) -> Floats:
    """Integral of exp(-p(u) ln(1 + 4 u^2)) over u > 0."""
    power = np.clip(exponent, codes.MIN_EXPONENT, codes.MAX_EXPONENT)
    if np.ndim(damping) == 0 and damping == 0:
        ratio = special.gammaln(power - 0.5) - special.gammaln(power)
        return np.asarray(np.sqrt(np.pi) / 4 * np.exp(ratio))
    # With 2 u = sinh(s) the integrand is even, and analytic up to pi / 2 away from the real axis:
    # the trapezoidal rule converges exponentially.
    step = 0.04
    s = step * np.arange(601)
    width = np.clip(np.asarray(damping)[..., None], codes.MIN_DAMPING, codes.MAX_DAMPING)
    left = 1 / (1 + (np.sinh(s) / width) ** 2)
    own = 3 - (3 - power[..., None]) * left
    line = np.exp((1 - 2 * own) * np.log(np.cosh(s)))
    return np.asarray(step / 2 * (line.sum(axis=-1) - line[..., 0] / 2))


def _make(
    name: str,
    code: int,
    extra: dict[str, tuple[float, float, float]],
    *,
    held: tuple[str, ...] = (),
    unit_area: Callable[..., Floats] | None = None,
    unit_integral: Callable[..., Floats] | None = None,
) -> LineShape:
    """Build one entry of the registry; `extra` maps a name to (default, lower, upper).

    The unit line is even where its integral is given.
    """
    if unit_integral is not None:
        unit_area = partial(_whole_integral, unit_integral)
    return LineShape(
        name=name,
        parameters=(*_COMMON, *extra),
        default={key: values[0] for key, values in extra.items()},
        limits={key: (values[1], values[2]) for key, values in extra.items()},
        held=held,
        _code=code,
        _unit_area=unit_area,
        _unit_integral=unit_integral,
    )


def _whole_integral(integral: Callable[..., Floats], *extra: Floats) -> Floats:
    """Area of an even unit line from its integral from 0."""
    return 2 * integral(np.float64(np.inf), *extra)


_FRACTION = {"fraction": (0.3, 0.0, 1.0)}
_ASYMMETRY = {"asymmetry": (0.1, 0.0, 0.5)}
_SKEW = _FRACTION | {"asymmetry": (0.3, 0.0, codes.MAX_SKEW)}
_EXPONENT = (1.0, codes.MIN_EXPONENT, codes.MAX_EXPONENT)
_POWERED = {
    "fraction": (0.5, codes.MIN_LORENTZIAN, 1.0),
    "exponent_high": _EXPONENT,
    "exponent_low": _EXPONENT,
}
_DAMPED = _POWERED | {"damping": (50.0, codes.MIN_DAMPING, codes.MAX_DAMPING)}

LINE_SHAPES: dict[str, LineShape] = {
    shape.name: shape
    for shape in (
        _make("gaussian", codes.GAUSSIAN, {}, unit_integral=_gaussian_integral),
        _make("lorentzian", codes.LORENTZIAN, {}, unit_integral=_lorentzian_integral),
        _make("pseudo_voigt", codes.PSEUDO_VOIGT, _FRACTION, unit_integral=_pseudo_voigt_integral),
        _make(
            "asymmetric_pseudo_voigt", codes.ASYMMETRIC_PSEUDO_VOIGT, _SKEW, unit_area=_skew_area
        ),
        _make("gl_product", codes.GL_PRODUCT, _FRACTION, unit_area=_gl_product_area),
        _make("voigt", codes.VOIGT, _FRACTION, unit_area=_voigt_area),
        _make("doniach_sunjic", codes.DONIACH_SUNJIC, _ASYMMETRY),
        _make("doniach_sunjic_gauss", codes.DONIACH_SUNJIC_GAUSS, _FRACTION | _ASYMMETRY),
        _make(
            "asymmetric_lorentzian",
            codes.ASYMMETRIC_LORENTZIAN,
            _POWERED,
            unit_area=_powered_area,
        ),
        _make(
            "finite_lorentzian",
            codes.FINITE_LORENTZIAN,
            _DAMPED,
            held=("damping",),
            unit_area=_powered_area,
        ),
        _make("park2020", codes.PARK2020, {}, unit_integral=_park_integral),
    )
}
"""Every line shape by name."""
