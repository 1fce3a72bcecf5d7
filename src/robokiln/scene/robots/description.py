"""What a robot is: its model, joints, home, limits, tool frame and gripper."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from robokiln.geometry import pose_tuple
from robokiln.types import Array, PoseTuple


@dataclass(frozen=True)
class Visual:
    """A link's mesh file and the mesh frame's pose in the link's frame."""

    link: str
    mesh: Path
    origin: PoseTuple


@dataclass(frozen=True)
class Joint:
    """A joint of the kinematic chain: its frame in the parent's link frame, and its axis."""

    name: str
    kind: str
    origin: PoseTuple
    axis: tuple[float, float, float]
    lower: float
    upper: float
    velocity: float


@dataclass(frozen=True)
class Robot:
    """A fixed-base arm with a parallel gripper; its base frame is the world frame.

    `tool` is the tool centre point in the frame of `tool_link`: z forward out of the gripper, the
    fingers close along y. `speed` scales the model's joint speed limits. `license` covers the
    model and its meshes. `mesh_error` (m) bounds what their simplification may change, 0 draws
    every triangle; without `textures`, their materials have their plain color alone.
    """

    name: str
    urdf: Path
    arm_joints: tuple[str, ...]
    finger_joints: tuple[str, ...]
    finger_links: tuple[str, ...]
    finger_open: float
    finger_force: float
    tool_link: str
    tool: PoseTuple
    home: tuple[float, ...]
    license: str
    source: str
    mesh_error: float = 0.0003
    textures: bool = True

    @cached_property
    def visuals(self) -> tuple[Visual, ...]:
        """Links that have a mesh, in the order of the URDF."""
        found = []
        for link in _root(self.urdf).iter("link"):
            visual = link.find("visual")
            mesh = None if visual is None else visual.find("geometry/mesh")
            if visual is not None and mesh is not None:
                file = self.urdf.parent / mesh.attrib["filename"].removeprefix("package://")
                found.append(Visual(link.attrib["name"], file, _origin(visual)))
        return tuple(found)

    @cached_property
    def chain(self) -> tuple[Joint, ...]:
        """Joints from the base to the tool link."""
        joints = {j.find("child").attrib["link"]: j for j in _root(self.urdf).iter("joint")}  # type: ignore[union-attr]
        chain, link = [], self.tool_link
        while link in joints:
            joint = joints[link]
            chain.append(_joint(joint))
            link = joint.find("parent").attrib["link"]  # type: ignore[union-attr]
        return tuple(reversed(chain))

    @cached_property
    def limits(self) -> tuple[Array, Array, Array]:
        """Lower, upper (rad) and speed (rad/s) of the arm's joints, each [J]."""
        arm = [j for j in self.chain if j.name in self.arm_joints]
        return (
            np.array([j.lower for j in arm]),
            np.array([j.upper for j in arm]),
            np.array([j.velocity for j in arm]),
        )


def _root(path: Path) -> ET.Element:
    return ET.parse(path).getroot()


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(v) for v in text.split())


def _origin(element: ET.Element) -> PoseTuple:
    found = element.find("origin")
    attributes = {} if found is None else found.attrib
    x, y, z = _numbers(attributes.get("xyz", "0 0 0"))
    roll, pitch, yaw = (a / 2 for a in _numbers(attributes.get("rpy", "0 0 0")))
    cr, sr, cp, sp, cy, sy = (f(a) for a in (roll, pitch, yaw) for f in (np.cos, np.sin))
    quat = [
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
        cr * cp * cy + sr * sp * sy,
    ]
    return pose_tuple(np.array([x, y, z, *quat]))


def _joint(element: ET.Element) -> Joint:
    axis = element.find("axis")
    limit = element.find("limit")
    numbers = {} if limit is None else {k: float(v) for k, v in limit.attrib.items()}
    x, y, z = _numbers("0 0 1" if axis is None else axis.attrib["xyz"])
    return Joint(
        element.attrib["name"],
        element.attrib["type"],
        _origin(element),
        (x, y, z),
        numbers.get("lower", 0.0),
        numbers.get("upper", 0.0),
        numbers.get("velocity", 0.0),
    )
