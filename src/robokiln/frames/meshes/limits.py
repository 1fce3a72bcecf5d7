"""What a mesh file may claim or name, judged before a reader allocates or opens anything for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from robokiln.serial import parse_json
from robokiln.types import RobokilnError

MAX_BYTES = 256 * 2**20
MAX_ELEMENTS = 5_000_000
"""Vertices, and triangles, of a file; the Panda's whole arm has under 100,000."""


def inspect(path: Path) -> None:
    """Refuse a file that is too large, claims too much or names files outside its folder."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise RobokilnError(f"mesh '{path}': cannot be read ({error.strerror})") from None
    if not path.is_file():
        raise RobokilnError(f"mesh '{path}': cannot be read (not a file)")
    if size > MAX_BYTES:
        raise RobokilnError(f"mesh '{path}': {size} bytes; at most {MAX_BYTES} are read")
    kind = path.suffix.lower()
    if kind == ".glb":
        _inspect_glb(path)
    elif kind == ".ply":
        _inspect_ply(path)
    elif kind == ".obj":
        _inspect_obj(path)


def check_count(path: Path, what: str, count: float) -> None:
    """An error for more vertices or triangles than are drawn of one file."""
    if not 0 <= count <= MAX_ELEMENTS:
        raise RobokilnError(f"mesh '{path}': {count} {what}; at most {MAX_ELEMENTS} are read")


def named(file: Path, keyword: bytes) -> list[str]:
    """The last word of each line that starts with the keyword (options may come before it)."""
    if not file.is_file() or file.stat().st_size > MAX_BYTES:
        return []
    lines = re.findall(rb"(?mi)^[^\S\n]*" + keyword + rb"[^\S\n]+(.*?)\s*$", file.read_bytes())
    return sorted({line.split()[-1].decode(errors="replace") for line in lines if line})


def _inspect_obj(path: Path) -> None:
    libraries = named(path, rb"mtllib")
    _refuse_outside(path, libraries)
    for library in libraries:
        _refuse_outside(path, named(path.parent / library, rb"map_\w+"))


def _refuse_outside(path: Path, names: list[str]) -> None:
    root = path.parent.resolve()
    for name in names:
        inside = "\0" not in name and (root / name).resolve().is_relative_to(root)
        if not inside or "\\" in name:
            raise RobokilnError(f"mesh '{path}': names {name!r}, which is outside its folder")


def _inspect_ply(path: Path) -> None:
    with path.open("rb") as file:
        header = file.read(65536).partition(b"end_header")[0]
    for name, count in re.findall(rb"(?m)^\s*element\s+(\S+)\s+(\S+)", header):
        digits = count.decode(errors="replace")
        fine = digits.isascii() and digits.isdigit() and len(digits) < 12
        check_count(path, name.decode(errors="replace"), int(digits) if fine else float("inf"))


def _inspect_glb(path: Path) -> None:
    """glTF 2.0, 4.4: a header of 12 bytes, then a chunk of JSON after its length and type."""
    content = path.read_bytes()
    length = int.from_bytes(content[12:16], "little")
    try:
        tree = parse_json(content[20 : 20 + length])
    except ValueError as error:
        raise RobokilnError(f"mesh '{path}': cannot be read ({error})") from None
    for entry in _entries(tree, "accessors"):
        count = entry.get("count")
        check_count(path, "elements", count if type(count) is int else float("inf"))
    for entry in (*_entries(tree, "buffers"), *_entries(tree, "images")):
        if not str(entry.get("uri", "data:")).startswith("data:"):
            uri = json.dumps(entry["uri"])[:80]
            raise RobokilnError(f"mesh '{path}': names {uri}, which is outside the file")


def _entries(tree: Any, key: str) -> Iterator[dict[str, Any]]:
    found = tree.get(key) if isinstance(tree, dict) else None
    yield from (e for e in found if isinstance(e, dict)) if isinstance(found, list) else ()
