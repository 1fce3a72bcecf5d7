"""Meshes and robot descriptions from a stranger: no bombs, nothing read outside their folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from robokiln.frames.meshes import limits
from robokiln.frames.meshes.reading import read, sources
from robokiln.scene.robots.panda import PANDA
from robokiln.scene.robots.urdf import MAX_BYTES, read_urdf
from robokiln.types import RobokilnError

ARM = """<?xml version="1.0"?>
<robot name="arm">
  <link name="base"><visual><geometry><mesh filename="package://base.stl"/></geometry></visual></link>
  <link name="hand"/>
  <joint name="j" type="revolute"><parent link="base"/><child link="hand"/>
    <origin xyz="0 0 1" rpy="0 0 0"/><axis xyz="0 0 1"/><limit lower="-1" upper="1" velocity="2"/>
  </joint>
</robot>
"""
SECRET = "only the owner may read this"


def laughs() -> str:
    rows = ['<!ENTITY a0 "ha">']
    rows += [f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12)]
    return f"<!DOCTYPE r [{''.join(rows)}]>" + ARM.partition("?>")[2].replace('"arm"', '"&a11;"')


URDFS: dict[str, tuple[Callable[[], str], str]] = {
    "laughs": (laughs, "a document type or an entity is refused"),
    "external": (
        lambda: ARM.replace(
            "<robot", '<!DOCTYPE r [<!ENTITY s SYSTEM "secret.txt">]>\n<robot'
        ).replace('"arm">', '"arm">&s;'),
        "a document type or an entity is refused",
    ),
    "remote": (
        lambda: ARM.replace("<robot", '<!DOCTYPE r SYSTEM "http://localhost:9/x.dtd"><robot'),
        "a document type or an entity is refused",
    ),
    "deep": (lambda: "<a>" * 10**5 + "</a>" * 10**5, "nested deeper"),
    "large": (lambda: ARM + " " * MAX_BYTES, "larger than a URDF can be"),
    "cut": (lambda: ARM[:200], "not readable as URDF"),
    "empty": (lambda: "", "not readable as URDF"),
    "binary": (lambda: "\x00\x01", "not readable as URDF"),
    "nan": (lambda: ARM.replace("0 0 1", "0 nan 1"), "expected 3 finite numbers"),
    "infinite": (lambda: ARM.replace('upper="1"', 'upper="1e999"'), "expected 1 finite numbers"),
    "two": (lambda: ARM.replace("0 0 1", "0 1"), "expected 3 finite numbers"),
    "no link": (lambda: ARM.replace('<parent link="base"/>', ""), "not the URDF of an arm"),
    "parent": (lambda: ARM.replace("base.stl", "../secret.stl"), "outside its folder"),
    "absolute": (lambda: ARM.replace("package://base.stl", "/secret.stl"), "outside its folder"),
}


@pytest.mark.parametrize("name", URDFS)
def test_hostile_descriptions(tmp_path: Path, name: str) -> None:
    text, message = URDFS[name]
    (tmp_path / "secret.txt").write_text(SECRET)
    file = tmp_path / "arm.urdf"
    file.write_text(text())
    robot = replace(PANDA, urdf=file, tool_link="hand")
    with pytest.raises(RobokilnError, match=f"arm.urdf: .*{message}") as refused:
        _ = (robot.visuals, robot.chain)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_an_entity_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "arm.urdf"
    file.write_bytes(laughs().encode(encoding))
    with pytest.raises(RobokilnError, match="an entity is refused"):
        read_urdf(file)


def test_joints_in_a_circle_end(tmp_path: Path) -> None:
    file = tmp_path / "arm.urdf"
    file.write_text(ARM.replace('<parent link="base"/>', '<parent link="hand"/>'))
    robot = replace(PANDA, urdf=file, tool_link="hand", arm_joints=("j",))
    assert [joint.name for joint in robot.chain] == ["j"]
    file.write_text(ARM)
    good = replace(PANDA, urdf=file, tool_link="hand", arm_joints=("j",))
    assert [float(v[0]) for v in good.limits] == [-1.0, 1.0, 2.0]
    assert good.visuals[0].mesh == tmp_path / "base.stl"


SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nvt 0 0\nf 1/1 2/1 3/1\n"


def obj(library: str, image: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / "a.obj").write_text(f"mtllib {library}\nusemtl m\n{SQUARE}")
        (folder / "a.mtl").write_text(f"newmtl m\nKd 1 1 1\nmap_Kd {image}\n")
        return folder / "a.obj"

    return write


def ply(count: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        axes = "".join(f"property float {axis}\n" for axis in "xyz")
        (folder / "a.ply").write_text(
            f"ply\nformat binary_little_endian 1.0\nelement vertex {count}\n{axes}end_header\n"
        )
        return folder / "a.ply"

    return write


def glb(tree: object) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        text = (tree if isinstance(tree, str) else json.dumps(tree)).encode()
        size = len(text).to_bytes(4, "little")
        whole = (20 + len(text)).to_bytes(4, "little")
        head = b"glTF" + (2).to_bytes(4, "little") + whole + size + b"JSON"
        (folder / "a.glb").write_bytes(head + text)
        return folder / "a.glb"

    return write


def raw(name: str, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


ASSET = {"version": "2.0"}
MESHES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "library outside": (obj("../secret.mtl", "x.png"), "'../secret.mtl', which is outside"),
    "image outside": (obj("a.mtl", "../../secret.png"), "'../../secret.png', which is outside"),
    "image absolute": (obj("a.mtl", "/etc/hostname"), "'/etc/hostname', which is outside"),
    "image by Windows": (obj("a.mtl", "..\\secret.png"), "which is outside"),
    "many vertices": (ply("999999999999"), "vertex; at most 5000000"),
    "no number": (ply("-5"), "vertex; at most 5000000"),
    "very many": (ply("9" * 5000), "vertex; at most 5000000"),
    "accessor": (
        glb({"asset": ASSET, "accessors": [{"count": 10**12, "type": "VEC3"}]}),
        "elements; at most 5000000",
    ),
    "buffer outside": (glb({"asset": ASSET, "buffers": [{"uri": "../s"}]}), "outside the file"),
    "image of a glb": (glb({"asset": ASSET, "images": [{"uri": "/etc/x"}]}), "outside the file"),
    "deep": (glb("[" * 10**5), "nested too deeply"),
    "list": (glb([1]), "cannot be read"),
    "short": (raw("a.glb", b"glTF"), "cannot be read"),
    "garbage obj": (raw("a.obj", bytes(range(256)) * 9), "no triangle"),
    "garbage stl": (raw("a.stl", bytes(range(256)) * 9), "no triangle"),
    "long stl": (raw("a.stl", b"\0" * 80 + b"\xff" * 4 + b"\0" * 50), "no triangle"),
    "nan": (raw("a.obj", SQUARE.replace("1 1 0", "nan inf 0").encode()), "not finite|read"),
    "face outside": (raw("a.obj", b"v 0 0 0\nv 1 0 0\nv 1 1 0\nf 1 2 99\n"), "cannot be read"),
    "xml": (raw("a.dae", b"<COLLADA/>"), "expected one of .obj, .stl, .glb, .ply"),
}


@pytest.mark.parametrize("name", MESHES)
def test_hostile_meshes(tmp_path: Path, name: str) -> None:
    write, message = MESHES[name]
    folder = tmp_path / "meshes" / "arm"
    folder.mkdir(parents=True)
    for outside in ("secret.mtl", "secret.png"):
        (tmp_path / outside).write_text(SECRET)
    file = write(folder)
    with pytest.raises(RobokilnError, match=f"{file.name}.*{message}") as refused:
        read(file)
    assert SECRET not in str(refused.value)
    assert len(str(refused.value)) < 1000


def test_a_large_file_is_not_opened(tmp_path: Path) -> None:
    for name in ("a.obj", "a.stl", "a.glb", "a.ply"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(limits.MAX_BYTES + 1)  # a hole: no disk is used
        with pytest.raises(RobokilnError, match="bytes; at most"):
            read(tmp_path / name)


def test_too_many_triangles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.obj").write_text(SQUARE)
    read(tmp_path / "a.obj")
    monkeypatch.setattr(limits, "MAX_ELEMENTS", 2)
    with pytest.raises(RobokilnError, match=r"3 vertices; at most 2"):
        read(tmp_path / "a.obj")
    monkeypatch.setattr(limits, "MAX_ELEMENTS", 0)
    with pytest.raises(RobokilnError, match=r"1 triangles; at most 0"):
        read(tmp_path / "a.obj")


def test_a_folder_is_no_mesh(tmp_path: Path) -> None:
    (tmp_path / "a.stl").mkdir()
    with pytest.raises(RobokilnError, match="not a file"):
        read(tmp_path / "a.stl")
    assert sources(tmp_path / "a.stl") == []
