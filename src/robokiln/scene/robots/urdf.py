"""A URDF's elements, or an error: no entities, no cycles, no file names that lead elsewhere."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np

from robokiln.geometry import pose_tuple
from robokiln.types import PoseTuple, RobokilnError

MAX_BYTES = 4 * 2**20
MAX_DEPTH = 32


@dataclass(frozen=True)
class Attachment:
    """Another URDF whose first link stands on a link of the arm; its names get a prefix.

    `folder` is where its meshes must lie.
    """

    urdf: Path
    folder: Path
    link: str
    prefix: str


def read_model(urdf: Path, attached: Attachment | None = None) -> ET.Element:
    """The root element of a URDF and of what is attached to it, with absolute mesh files."""
    root = read_urdf(urdf)
    _resolve(root, urdf, urdf.parent)
    if attached is None:
        return root
    tool = read_urdf(attached.urdf)
    _resolve(tool, attached.urdf, attached.folder)
    for element in tool.iter():
        for key in {"link": ("name", "link"), "joint": ("name", "joint"), "mimic": ("joint",),
                    "parent": ("link",), "child": ("link",)}.get(element.tag, ()):  # fmt: skip
            if key in element.attrib:
                element.set(key, attached.prefix + element.attrib[key])
    joint = ET.SubElement(root, "joint", name=f"{attached.prefix}mount", type="fixed")
    ET.SubElement(joint, "parent", link=attached.link)
    ET.SubElement(joint, "child", link=tool.findall("link")[0].attrib["name"])
    root.extend([*tool.findall("link"), *tool.findall("joint")])
    return root


def _resolve(root: ET.Element, urdf: Path, folder: Path) -> None:
    for mesh in root.iter("mesh"):
        mesh.set("filename", str(mesh_file(urdf, mesh.attrib["filename"], folder)))


def read_urdf(path: Path) -> ET.Element:
    """The root element. A document type is refused before anything that it declares is used."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RobokilnError(f"{path}: larger than a URDF can be")
        return _parse(path, path.read_bytes())
    except OSError as error:
        raise RobokilnError(f"{path}: {error.strerror}") from None
    except (expat.ExpatError, LookupError, ValueError, AssertionError) as error:
        if isinstance(error, RobokilnError):
            raise
        raise RobokilnError(f"{path}: not readable as URDF: {error}") from None


def packaged(package: str, name: str) -> Path:
    """A data file of a package, which is looked up and never imported.

    Where the package is missing, so is the file: nothing of that name is in this folder.
    """
    spec = find_spec(package)
    return Path(__file__ if spec is None or spec.origin is None else spec.origin).parent / name


def numbers(text: str, count: int) -> tuple[float, ...]:
    """So many finite numbers."""
    found = tuple(float(v) for v in text.split())
    if len(found) != count or not all(map(math.isfinite, found)):
        raise ValueError(f"expected {count} finite numbers, got {text[:80]!r}")
    return found


def mesh_file(path: Path, name: str, folder: Path) -> Path:
    """The file that a URDF's mesh element names, which must lie below the folder."""
    file = path.parent / name.removeprefix("package://")
    if "\0" in name or not file.resolve().is_relative_to(folder.resolve()):
        raise RobokilnError(f"{path}: mesh {name!r} is outside its folder")
    return file


def origin(element: ET.Element) -> PoseTuple:
    """The pose that an element's origin gives; none is the identity."""
    found = element.find("origin")
    attributes = {} if found is None else found.attrib
    x, y, z = numbers(attributes.get("xyz", "0 0 0"), 3)
    roll, pitch, yaw = (a / 2 for a in numbers(attributes.get("rpy", "0 0 0"), 3))
    cr, sr, cp, sp, cy, sy = (f(a) for a in (roll, pitch, yaw) for f in (np.cos, np.sin))
    quat = [
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
        cr * cp * cy + sr * sp * sy,
    ]
    return pose_tuple(np.array([x, y, z, *quat]))


def _parse(path: Path, content: bytes) -> ET.Element:
    """Elements without namespaces, whose prefixes some URDFs use and never declare.

    A document type ends it, and so does deep nesting: no entity bomb is ever built.
    """
    builder, depth = ET.TreeBuilder(), 0

    def refuse(*_: Any) -> None:
        raise RobokilnError(f"{path}: a document type or an entity is refused in a URDF")

    def enter(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise RobokilnError(f"{path}: nested deeper than a URDF can be")
        builder.start(tag, attributes)

    def leave(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = enter
    parser.EndElementHandler = leave
    parser.Parse(content, True)
    return builder.close()
