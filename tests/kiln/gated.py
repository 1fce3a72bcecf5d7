"""The shipped gates, and defects to plant in demonstrations."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from robokiln.cli.compose import compose
from robokiln.cli.settings import generation_plan
from robokiln.kiln.gates import GateConfig
from robokiln.serial import from_json
from robokiln.types import Array, Episode

GATES = from_json(GateConfig, compose("generate", [])["gates"])
OFF = from_json(GateConfig, compose("generate", ["gates=off"])["gates"])
PLAN = generation_plan(compose("generate", ["image_size=32", "antialias=false", "episodes=1"]))
HZ = PLAN.episode.control_hz


def changed(values: Array, rows: Any, to: Any) -> Array:
    """A copy with `rows` set to `to`."""
    copy = values.copy()
    copy[rows] = to
    return copy


def repeated(episode: Episode, row: int, times: int) -> Episode:
    """The demonstration with one of its steps held for some more."""
    rows = np.insert(np.arange(len(episode)), row % len(episode), [row % len(episode)] * times)
    arrays = {n: v[rows] for n, v in vars(episode).items() if isinstance(v, np.ndarray)}
    return dataclasses.replace(episode, **arrays)
