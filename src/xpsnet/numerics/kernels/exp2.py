"""Powers of two that LLVM computes for a whole vector of numbers at once.

`math.exp` is a call of the C library for every single point. Here 2^x is a polynomial for the
fractional part of x (Chebyshev interpolation on [-1/2, 1/2], relative error below 2e-15) and a
shift of bits for the whole part, without a branch, so that a loop over contiguous points is
compiled to vector instructions.
"""

import struct
from collections.abc import Callable
from typing import Any, cast

from xpsnet.numerics.kernels.compile import Way, contracted, way

# Of 1, r, r^2, ...; 2^0 is 1 to the last bit.
_C = (
    1.0,
    0.6931471805599483,
    0.24022650695901254,
    0.055504108664544756,
    0.00961812911053657,
    0.0013333558214738293,
    0.00015403526882354606,
    1.525266622014565e-05,
    1.3217210256367588e-06,
    1.0206977921453389e-07,
    6.767963482574983e-09,
)
# 1.5 * 2^52: adding it rounds to a whole number, which then sits in the lowest bits.
_ROUNDING = 6755399441055744.0
_LOWEST = -1022.0  # below, 2^x is not a normal number any more; the result stays at 2^-1022
_MANTISSA_BITS = 52
_EXPONENT_OF_ONE = 1023 << _MANTISSA_BITS


def _casts() -> tuple[Callable[[float], int], Callable[[int], float]]:
    """Bits of a float as an integer, and the float of such bits: nothing, in machine code."""
    from numba.core import types
    from numba.extending import intrinsic

    def cast_to(kind: Any) -> Callable[..., tuple[Any, Any]]:
        def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:
            return builder.bitcast(values[0], context.get_value_type(kind))

        def bits(_: Any, number: Any) -> tuple[Any, Any]:
            return kind(types.int64 if kind is types.float64 else types.float64), generate

        return bits

    return cast(Any, intrinsic(cast_to(types.int64))), cast(Any, intrinsic(cast_to(types.float64)))


def _python_casts() -> tuple[Callable[[float], int], Callable[[int], float]]:
    """The same for the kernels as Python, which only tests call."""

    def bits(number: float) -> int:
        return int(struct.unpack("<q", struct.pack("<d", number))[0])

    def number(bits: int) -> float:
        return float(struct.unpack("<d", struct.pack("<Q", bits % 2**64))[0])

    return bits, number


_bits_of, _number_of = _python_casts() if way is Way.NATIVE else _casts()


@contracted
def exp2(x: float) -> float:
    """2^x for x up to 1023; NaN stays NaN."""
    x = _LOWEST if x < _LOWEST else x
    shifted = x + _ROUNDING
    r = x - (shifted - _ROUNDING)
    p = _C[10] * r + _C[9]
    p = p * r + _C[8]
    p = p * r + _C[7]
    p = p * r + _C[6]
    p = p * r + _C[5]
    p = p * r + _C[4]
    p = p * r + _C[3]
    p = p * r + _C[2]
    p = p * r + _C[1]
    p = p * r + _C[0]
    return float(p * _number_of((_bits_of(shifted) << _MANTISSA_BITS) + _EXPONENT_OF_ONE))
