"""Room that the constants of a line need, whatever its shape."""

from xpsnet.numerics.kernels.doniach_sunjic import N_CONSTANTS
from xpsnet.numerics.kernels.powered_lorentzian import N_POWERED_CONSTANTS

N_LINE_CONSTANTS = max(N_CONSTANTS, N_POWERED_CONSTANTS)
