"""A small writer of CasaXPS comments in VAMAS blocks, made from the documented layout."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class Component:
    """One component; energies are kinetic on the calibrated scale, the area is counts/s eV."""

    name: str
    shape: str
    area: float
    fwhm: float
    position: float
    tag: str = "O 1s"
    area_link: tuple[int, float] = (-1, 1)
    fwhm_link: tuple[int, float] = (-1, 1)
    position_link: tuple[int, float] = (-1, 1)

    def line(self) -> str:
        """The component as CasaXPS writes it."""
        area = f"{self.area!r} 1e-020 1e7 {self.area_link[0]} {self.area_link[1]}"
        fwhm = f"{self.fwhm!r} 0.2 5 {self.fwhm_link[0]} {self.fwhm_link[1]}"
        low, high = self.position - 2, self.position + 2
        link = f"{self.position_link[0]} {self.position_link[1]}"
        return (
            f"CASA comp (*{self.name}*) (*{self.shape}*) Area {area} MFWHM {fwhm} "
            f"Position {self.position!r} {low!r} {high!r} {link} RSF 2.93 MASS 15.9994 INDEX -1 "
            f"(*{self.tag}*) CONST (**) UNCORRECTEDRSF 2.93"
        )


@dataclass
class Region:
    """One region between two kinetic energies, with its background and its numbers."""

    low: float
    high: float
    components: Sequence[Component]
    name: str = "O 1s"
    background: str = "Shirley"
    average: int = 1
    numbers: str = "0 0 299 542 275 9.3"

    def line(self) -> str:
        """The region as CasaXPS writes it."""
        return (
            f"CASA region (*{self.name}*) (*{self.background}*) {self.low!r} {self.high!r} 2.93 "
            f"{self.average} {self.numbers} (*{self.name}*) 15.9994 0 2.93"
        )


def comment(regions: Sequence[Region], calibrations: Sequence[str] = ()) -> tuple[str, ...]:
    """Comment of a block with these regions."""
    components = [component for region in regions for component in region.components]
    return (
        "Casa Info Follows",
        str(len(calibrations)),
        *calibrations,
        "1",
        "annot comps Display 0.08 0.14 RGB(0,0,255) Font(35,34,700,0,Arial)",
        "",
        str(len(regions)),
        *(region.line() for region in regions),
        str(len(components)),
        *(component.line() for component in components),
        "remark of the operator",
    )
