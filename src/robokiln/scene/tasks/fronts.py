"""What tasks share that move one of two fronts: the drawers of a chest, the doors of a cupboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from robokiln.scene.furniture import stand
from robokiln.scene.layout import Area
from robokiln.scene.robots import Robot
from robokiln.scene.tasks.base import TableTask, idle, released, still
from robokiln.types import SceneSpec, State

FARTHER = 0.04
"""Metres that a chest stands farther than a cupboard: a handle pulled all the way out would bring
the arm to its joints' limits (3 % of 120 attempts; 0 of 240 with these)."""


class FrontTask(TableTask):
    """The target is one of two like it, the goal the cabinet that both belong to."""

    joints: ClassVar[int] = 6
    from_side: ClassVar[bool] = True
    beyond: ClassVar[float] = 0.0

    def ranges(self, robot: Robot, ranges: str) -> Mapping[str, Area]:
        """The cabinet's middle: D0 is 0.05 x 0.16 m and 13 degrees either way, D1 is 0.07 x 0.28 m
        and 23 degrees."""
        return {"goal": stand(robot, ranges, self.beyond)}

    def others(self, spec: SceneSpec, rng: np.random.Generator) -> Iterator[Mapping[str, str]]:
        """The other one."""
        yield {**spec.goal, "target": other(spec, spec.goal["target"])}


def other(spec: SceneSpec, name: str) -> str:
    """The other drawer, or the other door."""
    return next(b.name for b in spec.bodies if b.joint and b.name != name)


def at_rest(state: State, *bodies: int) -> bool:
    """Let go of and still, and the arm stands still too: one that moves at random bumps a drawer
    shut in half of the scenes, opens a door in 3 of 100, and then goes on or gets jammed."""
    return released(state, *bodies) and still(state, *bodies) and idle(state)
