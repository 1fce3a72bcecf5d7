"""The model as an engine loads it: the URDF itself, or one with the description's collision parts.

Meshes become convex hulls in an engine, which makes fingers too fat to grasp with and 0.4 s of
every load; a few boxes are neither.
"""

from __future__ import annotations

import copy
import functools
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from robokiln.assets import Part
from robokiln.geometry import quat_to_matrix
from robokiln.scene.robots.description import Robot


@contextmanager
def model_file(robot: Robot) -> Iterator[Path]:
    """A URDF that is there while the context lasts."""
    if not robot.collision and robot.attached is None:
        yield robot.urdf
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{robot.name}.urdf"
        file.write_text(_with_parts(robot))
        yield file


@functools.cache
def _with_parts(robot: Robot) -> str:
    """The model without any mesh."""
    root, parts = copy.deepcopy(robot.root), dict(robot.collision)
    for element in root.iter():  # prefixes that nobody declared; some parsers refuse them
        for name in [name for name in element.attrib if ":" in name]:
            del element.attrib[name]
    for link in root.findall("link"):
        for shown in [*link.findall("visual"), *link.findall("collision")]:
            link.remove(shown)
        if link.find("inertial") is None:
            link.append(_weightless())  # or an engine takes it for 1 kg
        link.extend(_collision(part) for part in parts.pop(link.attrib["name"], ()))
    assert not parts, f"{robot.name}: the model has no links {', '.join(parts)}"
    return ET.tostring(root, encoding="unicode")


def _weightless() -> ET.Element:
    element = ET.Element("inertial")
    ET.SubElement(element, "mass", value="1e-6")
    names, values = ("ixx", "iyy", "izz", "ixy", "ixz", "iyz"), ("1e-9",) * 3 + ("0",) * 3
    ET.SubElement(element, "inertia", dict(zip(names, values, strict=True)))
    return element


def _collision(part: Part) -> ET.Element:
    element = ET.Element("collision")
    rotation = quat_to_matrix(np.array(part.pose[3:]))
    roll = np.arctan2(rotation[2, 1], rotation[2, 2])
    pitch = np.arctan2(-rotation[2, 0], np.hypot(rotation[2, 1], rotation[2, 2]))
    yaw = np.arctan2(rotation[1, 0], rotation[0, 0])
    ET.SubElement(element, "origin", xyz=_text(*part.pose[:3]), rpy=_text(roll, pitch, yaw))
    geometry = ET.SubElement(element, "geometry")
    if part.kind == "box":
        ET.SubElement(geometry, "box", size=_text(*(2 * half for half in part.size)))
    elif part.kind == "sphere":
        ET.SubElement(geometry, "sphere", radius=_text(*part.size))
    else:
        radius, length = part.size
        ET.SubElement(geometry, part.kind, radius=_text(radius), length=_text(length))
    return element


def _text(*values: float) -> str:
    return " ".join(repr(float(v)) for v in values)
