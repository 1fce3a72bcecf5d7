"""Policies, training states, films and units from a stranger: never unpickled, named if refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hostile import DEEP, Bomb, edit_json, pickled, refusal, write_bomb_array

from robokiln.files import read_arrays, refuse_links
from robokiln.kiln.commit import read_manifest
from robokiln.kiln.motion import load_motion
from robokiln.policy import TrainConfig, load, train
from robokiln.policy.checkpoint import pack
from robokiln.report.rollouts import load_film
from robokiln.types import RobokilnError


def offer(policy: Path, weights: bytes) -> None:
    """Put weights in place, with a policy.json that vouches for them."""
    (policy / "policy.safetensors").write_bytes(weights)
    digest = hashlib.sha256(weights).hexdigest()
    edit_json(policy / "policy.json", {"weights_sha256": digest})


def bombs(marker: Path, folder: Path) -> dict[str, bytes]:
    """The ways in which weights come with code."""
    torch.save({"model": Bomb(marker)}, folder / "bomb.pt")
    return {
        "pickle": pickled(marker),
        "torch": (folder / "bomb.pt").read_bytes(),
        "npz": write_bomb_array(folder / "bomb.npz", marker).read_bytes(),
        "npy": write_bomb_array(folder / "bomb.npy", marker).read_bytes(),
        "deep": (10**6).to_bytes(8, "little") + DEEP.encode(),
        "list": (2).to_bytes(8, "little") + b"[]",
        "long": (2**63).to_bytes(8, "little") + b"{}",
    }


def test_the_bomb_goes_off_where_it_is_trusted(tmp_path: Path, marker: Path) -> None:
    np.load(write_bomb_array(tmp_path / "bomb.npy", marker), allow_pickle=True)
    assert marker.exists()


def test_weights_that_are_no_safetensors(
    policy: Path, marker: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in bombs(marker, tmp_path).items():
        offer(policy, content)
        said = refusal(capsys, "evaluate", f"state_policy={policy}", f"out={tmp_path / 'out'}")
        expected = "policy.json: was changed" if name == "long" else "not safetensors; nothing else"
        assert expected in said, name
    assert not marker.exists()
    assert not (tmp_path / "out").exists()


def test_a_pickle_is_no_policy_by_another_name(policy: Path, marker: Path) -> None:
    for name in ("policy.pt", "policy.bin", "checkpoint.pkl"):
        (policy / name).write_bytes(pickled(marker))
    load(policy, "cpu")
    (policy / "policy.safetensors").unlink()
    with pytest.raises(RobokilnError, match=r"policy\.safetensors: No such file"):
        load(policy, "cpu")
    assert not marker.exists()


@pytest.mark.parametrize("content", [DEEP, "\x80\x05", "[]", '"x"', '{"format": 1}', ""])
def test_descriptions_that_are_none(policy: Path, content: str) -> None:
    (policy / "policy.json").write_text(content)
    with pytest.raises(RobokilnError, match=r"policy\.json: "):
        load(policy, "cpu")


SPECS: list[dict[str, object]] = [
    {"spec/width": 10**12},
    {"spec/width": 50_000},
    {"spec/width": -1},
    {"spec/chunk": 10**9},
    {"spec/model": "os.system"},
    {"spec/position": {"center": [float("nan")] * 3, "scale": [1.0] * 3}},
]


@pytest.mark.parametrize("changes", SPECS, ids=str)
def test_a_spec_cannot_ask_for_memory_or_code(policy: Path, changes: dict[str, object]) -> None:
    """Even with weights that vouch for it."""
    edit_json(policy / "policy.json", changes)
    spec = json.loads((policy / "policy.json").read_text())["spec"]
    canonical = json.dumps(spec, sort_keys=True, separators=(",", ":")).encode()
    digest = hashlib.sha256(canonical).hexdigest()
    offer(policy, pack({"a": torch.zeros(1)}, ("spec_sha256", digest)))
    with pytest.raises(RobokilnError, match=r"does not fit its spec|not found|finite number"):
        load(policy, "cpu")


def test_a_training_state_that_is_a_pickle(
    victim: Path, policy: Path, marker: Path, tmp_path: Path
) -> None:
    small = TrainConfig(model="state", steps=1, width=16, batch_size=2, chunk=4, execute=2)
    (policy / "policy.json").unlink()  # unfinished: it would continue
    for name, content in bombs(marker, tmp_path).items():
        (policy / "checkpoint" / "state.safetensors").write_bytes(content)
        with pytest.raises(RobokilnError, match=r"state\.safetensors: is damaged"):
            train(victim, small, policy, "cpu")
        assert not marker.exists(), name


def test_a_training_run_that_leads_elsewhere(victim: Path, policy: Path, tmp_path: Path) -> None:
    small = TrainConfig(model="state", steps=1, width=16, batch_size=2, chunk=4, execute=2)
    (policy / "policy.json").unlink()
    (tmp_path / "precious").write_text("years of work")
    (policy / "loss.png").unlink()
    (policy / "loss.png").symlink_to(tmp_path / "precious")
    with pytest.raises(RobokilnError, match=r"loss\.png: is a symbolic link"):
        train(victim, small, policy, "cpu")
    assert (tmp_path / "precious").read_text() == "years of work"


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_arrays_of_objects(tmp_path: Path, marker: Path, suffix: str) -> None:
    """A film, and a unit's motion."""
    content = write_bomb_array(tmp_path / f"bomb{suffix}", marker).read_bytes()
    unit = tmp_path / "unit"
    unit.mkdir()
    (unit / "scene.json").write_text("{}")
    for garbage in (content, content[:60], b"", pickled(marker)):
        for name in ("film.npz", "motion.npz"):
            (unit / name).write_bytes(garbage)
        with pytest.raises(RobokilnError, match=r"film\.npz: not arrays that can be read"):
            load_film(unit / "film.npz")
        with pytest.raises(RobokilnError, match=r"motion\.npz: not arrays that can be read"):
            load_motion(unit)
        with pytest.raises(RobokilnError, match=r"film\.npz: not arrays that can be read"):
            read_arrays(unit / "film.npz")
    assert not marker.exists()


@pytest.mark.parametrize(
    "manifest",
    ["", DEEP, "[]", '{"files": 3}', '{"format": "robokiln-unit-9", "files": {}}'],
    ids=["empty", "deep", "list", "no files", "newer"],
)
def test_manifests_that_are_none(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "unit.json").write_text(manifest)
    with pytest.raises(RobokilnError, match=r"damaged, unit\.json"):
        read_manifest(tmp_path)


def test_links_are_found_at_any_depth(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    refuse_links(tmp_path)
    (tmp_path / "a" / "b" / "c").symlink_to("nowhere")
    with pytest.raises(RobokilnError, match="c: is a symbolic link"):
        refuse_links(tmp_path)
