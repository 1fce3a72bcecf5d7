"""Loading: what is whole acts, and what is not is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from synthetic import TEMPLATES

from robokiln.policy import load
from robokiln.policy.demonstrations import Demonstrations
from robokiln.types import RobokilnError


@pytest.fixture
def copy(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "copy"))


def test_predictions_are_actions_whatever_the_batch(trained: Path, demos: Demonstrations) -> None:
    policy = load(trained, "cpu")
    rows = np.arange(5)
    texts = [t.format("red zebra", "blue bowl") for t in TEMPLATES[:5]]
    images = {name: frames.parts[0][rows] for name, frames in demos.frames.items()}
    chunk = policy.predict(images, demos.proprioception[rows], texts)
    assert chunk.shape == (5, policy.chunk, 10)
    assert np.isin(chunk[..., 9], (0, 1)).all()
    columns = chunk[..., 3:9].reshape(5, policy.chunk, 2, 3)
    gram = columns @ np.swapaxes(columns, -1, -2)
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(2), gram.shape), atol=1e-9)
    one = {name: image[2:3] for name, image in images.items()}
    alone = policy.predict(one, demos.proprioception[2:3], texts[2:3])
    np.testing.assert_allclose(alone[0], chunk[2], atol=1e-5)


def test_wrong_pictures_are_named(trained: Path, demos: Demonstrations) -> None:
    policy = load(trained, "cpu")
    images = {name: frames.parts[0][:1] for name, frames in demos.frames.items()}
    state = demos.proprioception[:1]
    with pytest.raises(RobokilnError, match="camera 'wrist' not found; available: front"):
        policy.predict({"front": images["front"]}, state, ["go"])
    images["wrist"] = images["wrist"][:, :-1]
    with pytest.raises(RobokilnError, match=r"expected uint8 \[B, 32, 32, 3\], got .*31, 32"):
        policy.predict(images, state, ["go"])


def test_missing_files_are_named(copy: Path, tmp_path: Path) -> None:
    (copy / "policy.safetensors").unlink()
    with pytest.raises(RobokilnError, match=r"policy\.safetensors: No such file"):
        load(copy, "cpu")
    with pytest.raises(RobokilnError, match=r"policy\.json: is missing"):
        load(tmp_path / "nowhere", "cpu")


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_damaged_weights_are_named(copy: Path, damage: str) -> None:
    path = copy / "policy.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content[:-1] if damage == "cut" else content)
    with pytest.raises(RobokilnError, match=r"policy\.safetensors: is truncated or was changed"):
        load(copy, "cpu")


def test_a_changed_description_is_noticed(copy: Path) -> None:
    path = copy / "policy.json"
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    with pytest.raises(RobokilnError, match=r"policy\.json: is damaged or truncated"):
        load(copy, "cpu")
    changed = json.loads(whole)
    changed["spec"]["position"]["scale"][0] *= 2
    path.write_text(json.dumps(changed))
    with pytest.raises(RobokilnError, match=r"policy\.json: was changed"):
        load(copy, "cpu")
    changed["format"] = "robokiln-policy/9"
    path.write_text(json.dumps(changed))
    with pytest.raises(RobokilnError, match="expected the format 'robokiln-policy/2'"):
        load(copy, "cpu")


def test_nothing_on_disk_is_a_pickle(trained: Path) -> None:
    suffixes = {path.suffix for path in trained.rglob("*") if path.is_file()}
    assert suffixes == {".safetensors", ".json", ".jsonl", ".png"}
