"""What a robot is: its model, joints, home, limits, tool frame and gripper."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from robokiln.assets import Part
from robokiln.scene.robots.driver import Driver
from robokiln.scene.robots.urdf import Attachment, numbers, origin, read_model
from robokiln.types import Array, Color, PoseTuple, RobokilnError

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Visual:
    """A mesh file of a link, the mesh frame's pose in the link's frame, its color where the file
    has none of its own, and the metres of the file's unit."""

    link: str
    mesh: Path
    origin: PoseTuple
    color: Color | None = None
    scale: float = 1.0


@dataclass(frozen=True)
class Joint:
    """A joint of the kinematic chain: its frame in the parent's link frame, and its unit axis."""

    name: str
    kind: str
    origin: PoseTuple
    axis: Point
    lower: float
    upper: float
    velocity: float


@dataclass(frozen=True)
class Follower:
    """A joint that a linkage keeps at `ratio` times where its leader is."""

    joint: str
    leader: str
    ratio: float


@dataclass(frozen=True)
class Gripper:
    """Two fingers, of which one may be fixed; the opening in [0, 1] is linear in every joint.

    `closed` and `open` are the joints' positions (m or rad), `force` (N or N m) and `speed` (a
    second) each joint's, `armature` (kg m²) the motor's inertia behind its gears, which followers
    get as well; `widest` (m) is the greatest gap between the fingers. `links` are the fingers as
    contacts know them. Two joints that one motor moves are tied by a gear along the links' `axis`.
    """

    joints: tuple[str, ...]
    closed: tuple[float, ...]
    open: tuple[float, ...]
    links: tuple[str, str]
    force: float
    speed: float
    widest: float
    armature: float = 0.0
    axis: Point | None = None
    followers: tuple[Follower, ...] = ()


@dataclass(frozen=True)
class Workspace:
    """Where the tool, pointing down, gets to in any yaw up to half a turn: ranges in metres of x
    and y over the table and of the height z, in the base frame."""

    x: tuple[float, float]
    y: tuple[float, float]
    z: tuple[float, float] = (0.01, 0.15)


@dataclass(frozen=True)
class View:
    """Where a camera stands and looks: points, and a direction that is upwards in the picture."""

    eye: Point
    target: Point
    up: Point
    fov: float


@dataclass(frozen=True)
class Robot:
    """A fixed-base arm with a gripper; its base frame is the world frame.

    `tool` is the tool centre point in the frame of `tool_link`: z forward out of the gripper, the
    fingers close along y. `joint_force` (N m) is what an arm's motor may use, `joint_speed` (rad/s)
    a limit below the model's own, `joint_margin` (rad) how far from their ends targets stay.
    `collision`, where there is any, stands in for the model's: the links that it names have these
    parts, the others none. `colors` are those of the model's named materials. `front_camera`,
    which faces the robot, and `side_camera`, which sees what opens towards it, are in the base's
    frame, `wrist_camera` in the tool link's. `extra` names the optional dependency that brings the
    model, `attached` a gripper that is a model of its own, `added` what the model draws
    as no mesh. `license` covers the model and its meshes. `mesh_error` (m) bounds what their
    simplification may change, 0 draws every triangle; without `textures`, their materials have
    their plain color alone.
    """

    name: str
    urdf: Path
    arm_joints: tuple[str, ...]
    tool_link: str
    tool: PoseTuple
    home: tuple[float, ...]
    gripper: Gripper
    workspace: Workspace
    front_camera: View
    wrist_camera: View
    license: str
    source: str
    attached: Attachment | None = None
    added: tuple[Visual, ...] = ()
    side_camera: View | None = None
    extra: str = ""
    joint_force: float = 400.0
    joint_speed: float = math.inf
    joint_margin: float = 0.0
    collision: tuple[tuple[str, tuple[Part, ...]], ...] = ()
    colors: tuple[tuple[str, Color], ...] = ()
    driver: Driver | None = None
    mesh_error: float = 0.0003
    textures: bool = True

    @property
    def installed(self) -> bool:
        """Whether the model is there; a core robot's always is."""
        return not self.extra or self.urdf.exists()

    @cached_property
    def root(self) -> ET.Element:
        """The model with what is attached to it; not to be changed."""
        return read_model(self.urdf, self.attached)

    @cached_property
    def visuals(self) -> tuple[Visual, ...]:
        """Meshes of the links, in the order of the model."""
        found, colors = [], dict(self.colors)
        with self._reading() as root:
            for link in root.findall("link"):
                name = link.attrib["name"]
                found += [v for v in self.added if v.link == name]
                for visual in link.iter("visual"):
                    mesh = visual.find("geometry/mesh")
                    if mesh is not None:
                        found.append(_visual(name, visual, mesh, colors))
        return tuple(found)

    @cached_property
    def links(self) -> tuple[str, ...]:
        """Links that have a mesh, in the order of the URDF."""
        return tuple(dict.fromkeys(visual.link for visual in self.visuals))

    @cached_property
    def chain(self) -> tuple[Joint, ...]:
        """Joints from the base to the tool link."""
        chain, link = [], self.tool_link
        with self._reading() as root:
            joints = {j.find("child").attrib["link"]: j for j in root.findall("joint")}  # type: ignore[union-attr]
            while link in joints:
                joint = joints.pop(link)  # so that joints in a circle end as well
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
            np.array([min(j.velocity, self.joint_speed) for j in arm]),
        )

    @contextmanager
    def _reading(self) -> Iterator[ET.Element]:
        """The root element; what it lacks is an error that names the file."""
        try:
            yield self.root
        except RobokilnError:
            raise
        except (AttributeError, KeyError, ValueError) as error:
            raise RobokilnError(f"{self.urdf}: not the URDF of an arm ({error})") from None


def _visual(link: str, element: ET.Element, mesh: ET.Element, colors: dict[str, Color]) -> Visual:
    material = element.find("material")
    color = None if material is None else colors.get(material.attrib.get("name", ""))
    scale = numbers(mesh.attrib.get("scale", "1 1 1"), 3)
    if not 0 < scale[0] == scale[1] == scale[2]:
        raise ValueError(f"expected one positive scale of a mesh, got {scale}")
    file = Path(mesh.attrib["filename"])
    return Visual(link, file, origin(element), color, scale[0])


def _joint(element: ET.Element) -> Joint:
    axis = element.find("axis")
    limit = element.find("limit")
    attributes = {} if limit is None else limit.attrib
    names = ("lower", "upper", "velocity")
    lower, upper, velocity = (numbers(attributes.get(name, "0"), 1)[0] for name in names)
    kind = element.attrib["type"]
    if kind == "continuous":
        lower, upper = -2 * math.pi, 2 * math.pi
    # What URDF means by no axis at all is x, and what fixed joints say of theirs means nothing.
    x, y, z = numbers("1 0 0" if axis is None else axis.attrib["xyz"], 3)
    return Joint(element.attrib["name"], kind, origin(element), (x, y, z), lower, upper, velocity)
