"""Data transforms shared by training and inference: each is a frozen value with its inverse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from robokiln.geometry import rot6_to_matrix
from robokiln.types import Array

IDENTITY_ROT6 = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 0.0])


def _columns(matrix: Array) -> Array:
    """[..., 3, 3] -> its first two columns, [..., 6]."""
    return np.concatenate([matrix[..., :, 0], matrix[..., :, 1]], axis=-1)


@dataclass(frozen=True)
class ToRelative:
    """Absolute actions -> in the frame of the end effector where the chunk starts, as UMI has them
    (Chi et al. 2024): a motion is the same wherever on the table it is made. The gripper stays
    absolute.
    """

    @property
    def inverse(self) -> ToAbsolute:
        return ToAbsolute()

    def __call__(self, chunk: Array, proprioception: Array) -> Array:
        """chunk [..., T, 10] and proprioception [..., 10] -> [..., T, 10]."""
        start = proprioception[..., None, :]
        turn = np.swapaxes(rot6_to_matrix(start[..., 3:9]), -1, -2)
        away = (turn @ (chunk[..., :3] - start[..., :3])[..., None])[..., 0]
        rotation = _columns(turn @ rot6_to_matrix(chunk[..., 3:9]))
        return np.concatenate([away, rotation, chunk[..., 9:]], axis=-1)


@dataclass(frozen=True)
class ToAbsolute:
    """The inverse of `ToRelative`; the rotations that it returns are orthonormal."""

    @property
    def inverse(self) -> ToRelative:
        return ToRelative()

    def __call__(self, chunk: Array, proprioception: Array) -> Array:
        """Relative chunk [..., T, 10] and proprioception [..., 10] -> absolute [..., T, 10]."""
        start = proprioception[..., None, :]
        turn = rot6_to_matrix(start[..., 3:9])
        there = (turn @ chunk[..., :3, None])[..., 0] + start[..., :3]
        rotation = _columns(turn @ rot6_to_matrix(chunk[..., 3:9]))
        return np.concatenate([there, rotation, chunk[..., 9:]], axis=-1)


@dataclass(frozen=True)
class Normalize:
    """The 1-99 % range of each entry of the last axis -> [-1, 1]."""

    center: tuple[float, ...]
    scale: tuple[float, ...]

    @property
    def inverse(self) -> Unnormalize:
        return Unnormalize(self.center, self.scale)

    def __call__(self, values: Array) -> Array:
        scaled: Array = (values - np.array(self.center)) / np.array(self.scale)
        return scaled


@dataclass(frozen=True)
class Unnormalize:
    """The inverse of `Normalize`."""

    center: tuple[float, ...]
    scale: tuple[float, ...]

    @property
    def inverse(self) -> Normalize:
        return Normalize(self.center, self.scale)

    def __call__(self, values: Array) -> Array:
        raw: Array = values * np.array(self.scale) + np.array(self.center)
        return raw


def fit_normalize(values: Array, least_scale: float = 0.01) -> Normalize:
    """Quantiles of [N, D]; `least_scale` keeps an entry that hardly moves from becoming noise."""
    low, high = np.quantile(values, [0.01, 0.99], axis=0)
    center, scale = (low + high) / 2, np.maximum((high - low) / 2, least_scale)
    return Normalize(tuple(center.tolist()), tuple(scale.tolist()))
