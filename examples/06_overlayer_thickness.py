"""
Thickness of an oxide layer
===========================

Silicon under its oxide, measured at several emission angles: the ratio of the two areas of Si 2p
gives the thickness of the oxide, with an error for each angle.

For a closed, even layer of thickness :math:`d` on a flat sample,

.. math:: d = L \\cos\\theta \\, \\ln(1 + R / R_0),

where :math:`\\theta` is the angle between the surface normal and the analyzer, :math:`R` the area
of the layer over that of the substrate, :math:`R_0` this ratio for the two bulk materials, and
:math:`L` the attenuation length of the electrons in the layer. Both lines are Si 2p, so that cross
section, transmission and kinetic energy cancel in :math:`R`. The formula: B. R. Strohmeier, Surf.
Interface Anal. 15, 51 (1990); for oxide on silicon M. P. Seah and S. J. Spencer, Surf. Interface
Anal. 33, 640 (2002).
"""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import xpsnet

SILICON = {"formula": "Si", "density": 2.33, "band_gap": 1.1}
OXIDE = {"formula": "SiO2", "density": 2.2, "band_gap": 9.0}
# Mean free paths [nm] of the simulation: about 10 % shorter than TPP-2M says, as real ones may be.
DEPTH = {"silicon": 2.8, "oxide": 3.5}
ATOMS = (2.2 / 60.08) / (2.33 / 28.09)  # silicon atoms per volume: oxide over silicon
TRUE_THICKNESS = 2.0  # [nm]

# %%
# Spectra with a known thickness: two doublets of Si 2p, a background that rises behind each of
# them, and counting noise.

energy = xr.DataArray(np.arange(95.0, 109.05, 0.1), dims="energy", attrs={"units": "eV"})
angle = xr.DataArray([0.0, 15.0, 30.0, 40.0, 50.0, 60.0], dims="angle", attrs={"units": "degrees"})
path = TRUE_THICKNESS / (DEPTH["oxide"] * np.cos(np.deg2rad(angle)))
area = {
    "silicon": 9000.0 * np.exp(-path),
    "oxide": 9000.0 * ATOMS * DEPTH["oxide"] / DEPTH["silicon"] * (1.0 - np.exp(-path)),
}


def doublet(center: float, fwhm: float) -> tuple[xr.DataArray, xr.DataArray]:
    """Si 2p3/2 and 2p1/2 of unit area together, and the step of the background below them."""
    sigma = fwhm / 2.3548
    lines = xr.zeros_like(energy)
    for shift, share in ((0.0, 2 / 3), (0.6, 1 / 3)):
        distance = (energy - center - shift) / sigma
        lines = lines + share * np.exp(-(distance**2) / 2) / (sigma * np.sqrt(2 * np.pi))
    return lines, lines.cumsum("energy") * 0.1


silicon, behind_silicon = doublet(99.4, 0.6)
oxide, behind_oxide = doublet(103.4, 1.3)
expected = 100.0 + area["silicon"] * (silicon + 0.01 * behind_silicon)
expected = expected + area["oxide"] * (oxide + 0.01 * behind_oxide)
counts = np.random.default_rng(1).poisson(expected.transpose("angle", "energy"))
spectra = xr.DataArray(
    counts.astype(float),
    {"angle": angle, "energy": energy},
    ("angle", "energy"),
    "Si 2p",
    {"units": "counts", "scale": "binding", "photon_energy": 1486.6},
)

# %%
# Two states are fitted at every angle. :func:`xpsnet.quantify` sums the lines of each state, with
# the error of the sum, and gives the mean free path in each material by the equation TPP-2M.

peaks = xpsnet.fit(spectra, n_states=2, covariance=True)
states = xpsnet.quantify(peaks, level="state", transmission=None, imfp="tpp2m", material=OXIDE)
substrate = xpsnet.quantify(peaks, level="state", transmission=None, imfp="tpp2m", material=SILICON)
length = float(states.imfp[..., 0].mean())
length_silicon = float(substrate.imfp[..., 0].mean())
print(f"mean free path of Si 2p electrons: {length:.2f} nm in SiO2, {length_silicon:.2f} nm in Si")
figure = xpsnet.plot(spectra, peaks, isel={"angle": 0})

# %%
# The ratio of the bulk materials follows from their atoms per volume and the mean free paths. The
# error of the thickness follows from those of the two areas; the two states are 4 eV apart, and
# their correlation is left out.

bulk_ratio = ATOMS * length / length_silicon
metal, layer = (states.isel(row=i) for i in (0, 1))
ratio = layer.area / metal.area
ratio_stderr = ratio * np.hypot(layer.area_stderr / layer.area, metal.area_stderr / metal.area)
cosine = np.cos(np.deg2rad(peaks.angle))
thickness = length * cosine * np.log(1 + ratio / bulk_ratio)
thickness_stderr = length * cosine * ratio_stderr / (bulk_ratio + ratio)
for one in peaks.angle.values:
    d, error = (float(v.sel(angle=one)) for v in (thickness, thickness_stderr))
    print(f"{one:3.0f} degrees: ({d:.3f} +- {error:.3f}) nm")

# %%
# All angles must give the same thickness: a layer that is not closed or not even would show another
# thickness at large angles. The mean is weighted by the errors. The mean free path has a relative
# error of 11 % for all angles together, far more than the noise. It also stands in for the
# attenuation length, which elastic scattering makes somewhat shorter.

weight = 1 / thickness_stderr**2
mean = float((weight * thickness).sum() / weight.sum())
from_noise = float(weight.sum() ** -0.5)
print(f"thickness: {mean:.3f} nm +- {from_noise:.3f} (noise) +- {0.11 * mean:.2f} (mean free path)")
print(f"simulated: {TRUE_THICKNESS} nm")

drawn = Figure(figsize=(4.5, 3.2), layout="constrained")
axes = drawn.subplots()
axes.errorbar(peaks.angle, thickness, thickness_stderr, fmt="o", capsize=3)
axes.axhline(mean, color="0.5", linestyle="--")
axes.set(xlabel="Emission angle (degrees)", ylabel="Oxide thickness (nm)")
