"""What is recorded of it: pictures and columns."""

from __future__ import annotations

from dataclasses import dataclass

from robokiln.types.basics import Array


@dataclass(frozen=True)
class Frames:
    """One camera's pictures over T steps.

    rgb uint8 [T, H, W, 3]; depth float32 [T, H, W], metres along the optical axis, 0 where nothing
    is; segmentation uint16 [T, H, W]: 0 nothing, 1 the robot, 2 + i the spec's body i, then the
    look's props. On request: normals float32 [T, H, W, 3], unit and in the world frame, 0 where
    nothing is; links uint16 [T, H, W]: 0 nothing, 1 + i the link i of `visual_links`, then the
    look's props.
    """

    rgb: Array
    depth: Array
    segmentation: Array
    normals: Array | None = None
    links: Array | None = None


@dataclass(frozen=True)
class Feature:
    """A column of the dataset: LeRobot dtype, shape, and the names of its entries."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    names: tuple[str, ...] | None = None
    unit: str = ""
