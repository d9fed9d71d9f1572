"""Arrays that compiled functions take: contiguous in C order, of a known number of dimensions.

Functions that Python calls (`compile.exported`) state these types: their machine code is made for
them alone. The number that stands beside an array type is that of its dimensions.
"""

from typing import Annotated

import numpy as np
import numpy.typing as npt

Floats1 = Annotated[npt.NDArray[np.float64], 1]
Floats2 = Annotated[npt.NDArray[np.float64], 2]
Floats3 = Annotated[npt.NDArray[np.float64], 3]
Integers1 = Annotated[npt.NDArray[np.int64], 1]
Integers2 = Annotated[npt.NDArray[np.int64], 2]
Flags1 = Annotated[npt.NDArray[np.bool_], 1]
Flags2 = Annotated[npt.NDArray[np.bool_], 2]
