"""How much light a picture gets, for how long, and how its white is set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from robokiln.types import Array, RobokilnError


def _gains(stops: Array) -> Array:
    """Factors of exposure steps; rounded, as the last bit of a power differs between machines."""
    return np.round(2.0**stops, 6).astype(np.float32)


@dataclass(frozen=True)
class Exposure:
    """A fixed offset and a Gaussian error, drawn once an episode, in stops (factors of two).

    What goes over the full well is cut to white. Automatic exposure is not modelled.
    """

    stops: float = 0.0
    jitter: float = 0.0

    def gain(self, rng: np.random.Generator) -> Array:
        """The factor on linear light, float32 [1]."""
        return _gains(np.array([self.stops + self.jitter * rng.standard_normal()]))


@dataclass(frozen=True)
class WhiteBalance:
    """Gaussian errors of the red and the blue gain in stops, drawn once an episode."""

    jitter: float

    def gain(self, rng: np.random.Generator) -> Array:
        """The factors on linear light, float32 [3]."""
        red, blue = self.jitter * rng.standard_normal(2)
        return _gains(np.array([red, 0.0, blue]))


@dataclass(frozen=True)
class MotionBlur:
    """The shutter is open for the last `exposure` share of each control period.

    `samples` poses, evenly spaced from its opening to its closing, are averaged in linear light.
    Depth and segmentation are those of the moment when it closes.
    """

    exposure: float
    samples: int = 4

    def __post_init__(self) -> None:
        """Refuse a shutter that can't be."""
        if not 0 < self.exposure <= 1 or not 2 <= self.samples <= 64:
            raise RobokilnError(
                "blur: expected an exposure in (0, 1] and 2 to 64 samples, "
                f"got {self.exposure} and {self.samples}"
            )

    def poses(self, last: Array, now: Array) -> Array:
        """Link poses [L, 7] of two control steps -> float32 [samples, L, 7], `now` the last."""
        last, now = last.astype(np.float64), now.astype(np.float64)
        flipped = (last[:, 3:] * now[:, 3:]).sum(axis=1) < 0
        last[flipped, 3:] *= -1
        share = 1 - self.exposure * np.arange(self.samples - 1, 0, -1) / (self.samples - 1)
        between = last + share[:, None, None] * (now - last)
        norm = np.sqrt((between[..., 3:] ** 2).sum(axis=-1, keepdims=True))
        between[..., 3:] /= norm
        return np.concatenate([between, now[None]]).astype(np.float32)
