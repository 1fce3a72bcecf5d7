"""A unit is whole and in place, or it is not there."""

import json
from pathlib import Path

import pytest

from robokiln.kiln.commit import Nondeterminism, commit, read_manifest
from robokiln.types import RobokilnError


def staged(root: Path, name: str, content: bytes) -> Path:
    for folder in ("staging", "units", "quarantine"):
        (root / folder).mkdir(exist_ok=True)
    staging = root / "staging" / name
    staging.mkdir()
    (staging / "episode.npz").write_bytes(content)
    return staging


def test_a_unit_moves_into_place_with_its_manifest(tmp_path: Path) -> None:
    target = tmp_path / "units" / "slot-00000000"
    commit(staged(tmp_path, "a", b"motion"), target, {"slot": 0})
    manifest = read_manifest(target)
    assert manifest["slot"] == 0
    assert manifest["files"]["episode.npz"]["bytes"] == 6
    assert not list((tmp_path / "staging").iterdir())


def test_the_same_unit_twice_is_one_and_a_different_one_is_an_error(tmp_path: Path) -> None:
    target = tmp_path / "units" / "slot-00000000"
    for name in ("a", "b"):
        commit(staged(tmp_path, name, b"motion"), target, {"slot": 0})
    assert not list((tmp_path / "staging").iterdir())
    with pytest.raises(Nondeterminism, match="slot-00000000 came out with other bytes"):
        commit(staged(tmp_path, "c", b"other"), target, {"slot": 0})
    assert (target / "episode.npz").read_bytes() == b"motion"
    assert (tmp_path / "quarantine" / "c" / "episode.npz").read_bytes() == b"other"


def test_damage_is_named(tmp_path: Path) -> None:
    target = tmp_path / "units" / "slot-00000000"
    commit(staged(tmp_path, "a", b"motion"), target, {"slot": 0})
    (target / "episode.npz").write_bytes(b"mot")
    with pytest.raises(RobokilnError, match=r"episode.npz has 3 bytes instead of 6"):
        read_manifest(target)
    (target / "episode.npz").unlink()
    with pytest.raises(RobokilnError, match=r"episode.npz is missing"):
        read_manifest(target)
    (target / "unit.json").write_text(json.dumps([]))
    with pytest.raises(RobokilnError, match=r"unit.json can't be read"):
        read_manifest(target)
