"""Numbers that the compiled kernels and the public registry share, without importing numba."""

GAUSSIAN = 0
LORENTZIAN = 1
PSEUDO_VOIGT = 2
GL_PRODUCT = 3
PARK2020 = 4
VOIGT = 5
DONIACH_SUNJIC = 6
DONIACH_SUNJIC_GAUSS = 7
ASYMMETRIC_PSEUDO_VOIGT = 8
ASYMMETRIC_LORENTZIAN = 9
FINITE_LORENTZIAN = 10

MOST_PARAMETERS = 7  # of a line of any shape

MIN_FWHM = 1e-9  # eV; narrower lines are drawn with this width, so that nothing divides by zero

MAX_SKEW = 2.0  # highest asymmetry of the asymmetric pseudo-Voigt line

# Limits of Lorentzians to a power: power of a side, Lorentzian share, where tails are damped.
MIN_EXPONENT, MAX_EXPONENT = 0.51, 100.0  # the area diverges at 0.5
MIN_LORENTZIAN = 0.05
MIN_DAMPING, MAX_DAMPING = 1.0, 1000.0

# Eq. 1 of Park et al. 2020 (doi 10.3938/NPSM.70.920):
# I0 [0.7 exp(-(1.634 (E - c) / w)^2) + 0.3 / (1 + (2.195 (E - c) / w)^2)].
PARK_FRACTION = 0.3
PARK_GAUSSIAN = 1.634
PARK_LORENTZIAN = 2.195
# Width of the whole line over the paper's w: where the bracket with E - c = w k / 2 equals 1/2.
PARK_FWHM_PER_WIDTH = 0.9923439291184158
