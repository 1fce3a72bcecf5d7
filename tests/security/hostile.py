"""Things that do harm where somebody trusts them: the harm is a file that then exists."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from robokiln.cli import main

DEEP = "[" * 200_000


class Bomb:
    """Unpickled, it makes a directory."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def pickled(marker: Path) -> bytes:
    """A pickle that goes off when it is loaded."""
    return pickle.dumps(Bomb(marker))


def write_bomb_array(path: Path, marker: Path) -> Path:
    """A .npy or .npz of objects, by its suffix."""
    objects = np.array([Bomb(marker)], dtype=object)
    if path.suffix == ".npz":
        np.savez(path, link_poses=objects, contacts=objects, spec=objects, look=objects)
    else:
        np.save(path, objects)
    return path


def edit_json(path: Path, changes: dict[str, Any]) -> None:
    """Set keys of a JSON object; slashes lead inwards."""
    tree = json.loads(path.read_text())
    for key, value in changes.items():
        *outer, last = key.split("/")
        inner = tree
        for name in outer:
            inner = inner[int(name)] if isinstance(inner, list) else inner[name]
        inner[last] = value
    path.write_text(json.dumps(tree))


def refusal(capsys: Any, *arguments: str) -> str:
    """The one message with which a command is refused, exit code 2."""
    code = main(arguments)
    said: str = capsys.readouterr().err
    assert (code, said.count("robokiln: ")) == (2, 1), said
    assert "Traceback" not in said
    assert len(said) < 2000
    return said
