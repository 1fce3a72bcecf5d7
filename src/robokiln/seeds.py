"""The only source of randomness: one generator for each (domain, seed, slot, attempt, stream)."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

import numpy as np


class Domain(IntEnum):
    """Seed ranges that never meet."""

    TRAINING = 0
    EVALUATION = 1
    ROBUSTNESS = 2


class Stream(IntEnum):
    """What a generator is for; numbers are part of the data's identity and are never reused."""

    SCENE = 0
    INSTRUCTION = 1
    EXPERT = 2
    NOISE = 3
    LOOK = 4
    SENSOR = 5
    POLICY = 6
    BASELINE = 7
    TAKEOVER = 8


class Noise(IntEnum):
    """Sensor noises, each with draws of its own; numbers are never reused."""

    EXPOSURE = 0
    WHITE_BALANCE = 1
    SHOT = 2
    READ = 3
    FRINGES = 4
    DISPARITY = 5
    HOLES = 6
    WRIST_WRENCH = 7
    JOINT_TORQUE = 8
    FINGER_FORCE = 9


Draws = Callable[[Noise, str], np.random.Generator]
"""(noise, camera or "" for the arm's own sensors) -> the generator of that noise there."""


def generator(
    domain: Domain, seed: int, slot: int, attempt: int, stream: Stream, index: int = 0
) -> np.random.Generator:
    """A Philox generator; `index` tells looks of one attempt apart."""
    words = [int(domain), seed, slot, attempt, int(stream)] + ([index] if index else [])
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(words)))


def sensor_draws(domain: Domain, seed: int, slot: int, attempt: int, look: int = 0) -> Draws:
    """Generators of the sensors' noises in one episode's look, apart for each noise and camera."""

    def draws(noise: Noise, camera: str) -> np.random.Generator:
        words = [int(domain), seed, slot, attempt, int(Stream.SENSOR), look, int(noise)]
        entropy = np.random.SeedSequence(words + list(camera.encode()))
        return np.random.Generator(np.random.Philox(entropy))

    return draws
