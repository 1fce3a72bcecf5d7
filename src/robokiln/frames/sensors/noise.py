"""Noise of the pixels themselves, in electrons, on linear light.

A white pixel holds `full_well` / `gain` electrons: at twice the gain (ISO) half the light makes
white, and noise shows more. EMVA Standard 1288; Foi et al., "Practical Poissonian-Gaussian noise
modeling and fitting for single-image raw-data", IEEE TIP 17(10), 2008. Demosaicing, which spreads
noise over neighbours, is not modelled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from robokiln.types import Array, RobokilnError


@dataclass(frozen=True)
class ShotNoise:
    """Photons arrive at random: the variance, in electrons, is the signal.

    Drawn from the Gaussian that a Poisson distribution nears, as good as it above 20 electrons.
    """

    full_well: float
    gain: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a sensor that holds nothing."""
        _check("shot", self.full_well, self.gain)

    def __call__(self, light: Array, rng: np.random.Generator) -> Array:
        """Linear light float32 [H, W, 3] with the noise on it."""
        scale = np.float32(np.sqrt(self.gain / self.full_well))
        signal = np.maximum(light, np.float32(0))
        return light + np.sqrt(signal) * scale * rng.standard_normal(light.shape, np.float32)


@dataclass(frozen=True)
class ReadNoise:
    """The amplifier's noise: `electrons` r.m.s. whatever the signal."""

    electrons: float
    full_well: float
    gain: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a sensor that holds nothing."""
        _check("read", self.full_well, self.gain, self.electrons)

    def __call__(self, light: Array, rng: np.random.Generator) -> Array:
        """Linear light float32 [H, W, 3] with the noise on it."""
        scale = np.float32(self.electrons * self.gain / self.full_well)
        return light + scale * rng.standard_normal(light.shape, np.float32)


def _check(name: str, *values: float) -> None:
    if not min(values) > 0:
        raise RobokilnError(f"{name}: expected numbers above 0, got {values}")
