"""Numbers for people: values with their errors, rounded to what the errors allow."""

import math


def with_error(value: float, error: float) -> str:
    """Value and error, both rounded to the second digit of the error; "-" for no value."""
    if not math.isfinite(value):
        return "-"
    if not (math.isfinite(error) and error > 0):
        return f"{value:.5g}"
    decimals = decimals_of(error)
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def decimals_of(error: float) -> int:
    """Decimals that show two digits of an error."""
    return min(6, max(0, 1 - math.floor(math.log10(error)))) if error > 0 else 3
