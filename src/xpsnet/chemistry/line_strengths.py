"""How strong the lines of an element are: photo-ionisation cross-sections of subshells."""

from functools import cache

__all__ = ["cross_section"]

_SHELLS = {
    "1s": "K", "2s": "L1", "2p1/2": "L2", "2p3/2": "L3", "3s": "M1", "3p1/2": "M2", "3p3/2": "M3",
    "3d3/2": "M4", "3d5/2": "M5", "4s": "N1", "4p1/2": "N2", "4p3/2": "N3", "4d3/2": "N4",
    "4d5/2": "N5", "4f5/2": "N6", "4f7/2": "N7", "5s": "O1", "5p1/2": "O2", "5p3/2": "O3",
    "5d3/2": "O4", "5d5/2": "O5",
}  # fmt: skip


@cache
def cross_section(atomic_number: int, line: str, photon_energy: float) -> float:
    """Photo-ionisation cross-section of one subshell.

    Parameters
    ----------
    atomic_number : int
        Of the element.
    line : str
        Subshell with its j: "1s", "2p3/2".
    photon_energy : float
        [eV].

    Returns
    -------
    float
        [barn per atom]; 0 where the photon cannot ionise the subshell, or it is not tabulated.

    References
    ----------
    T. Schoonjans et al., The xraylib library for X-ray-matter interactions, Spectrochim. Acta B
    66, 776 (2011), doi 10.1016/j.sab.2011.09.011; its cross-sections are per electron.
    """
    import xraylib

    shell = getattr(xraylib, f"{_SHELLS[line]}_SHELL")
    try:
        electrons = xraylib.ElectronConfig(atomic_number, shell)
        each = xraylib.CSb_Photo_Partial(atomic_number, shell, photon_energy / 1000.0)
    except ValueError:
        return 0.0
    return float(electrons * each)
