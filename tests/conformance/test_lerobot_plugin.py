"""Stock lerobot builds our environments by name, and its rollout shows a policy what we show."""

from __future__ import annotations

import json
from typing import Any

import gymnasium
import numpy as np
import pytest
import stock_reader
from safetensors import safe_open

from robokiln.env import IDS
from robokiln.types import Array

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(1800)]
SEEDS = (5, 6)
STEPS = 12
RESNET_18 = 11_166_912
"""Parameters of torchvision's, without its classifier and its normalisation, which is frozen."""


@pytest.fixture(scope="module")
def rollout(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Array], dict[str, Any]]:
    folder = tmp_path_factory.mktemp("rollout")
    output = folder / "rollout.safetensors"
    stock_reader.run("roll_out_in_lerobot.py", str(output), home=folder)
    with safe_open(output, "np") as file:
        facts = json.loads(file.metadata()["facts"])
        return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118


def test_a_policy_sees_what_the_environment_shows(
    rollout: tuple[dict[str, Array], dict[str, Any]],
) -> None:
    """The same actions lead to the same pictures, to the byte."""
    tensors, facts = rollout
    options: dict[str, Any] = {"image_size": 64, "episode": {"max_steps": STEPS}}
    env = gymnasium.make(IDS["lift"], disable_env_checker=True, **options)
    for i, seed in enumerate(SEEDS):
        observation, _ = env.reset(seed=seed)
        assert facts["told"][i] == env.unwrapped.task_description
        for t in range(STEPS):
            for camera, picture in observation["pixels"].items():
                theirs = tensors[f"observation.images.{camera}"][i, t].transpose(1, 2, 0)
                np.testing.assert_array_equal(np.rint(theirs * 255), picture)
            np.testing.assert_array_equal(
                tensors["observation.state"][i, t], observation["agent_pos"]
            )
            observation, *_ = env.step(tensors["action"][i, t])
    env.close()


def test_features_and_ends_are_as_lerobot_wants_them(
    rollout: tuple[dict[str, Array], dict[str, Any]],
) -> None:
    tensors, facts = rollout
    assert facts["features"] == {
        "action": [10],
        "observation.state": [10],
        "observation.images.front": [3, 64, 64],
        "observation.images.wrist": [3, 64, 64],
    }
    assert (facts["fps"], facts["picture"]) == (20, [256, 256, 3])
    assert facts["parameters"] == RESNET_18
    assert tensors["action"].shape == (len(SEEDS), STEPS, 10)
    assert tensors["done"][:, -1].all()
    assert not tensors["done"][:, :-1].any()
    assert not tensors["success"].any()
