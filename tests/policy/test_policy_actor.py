"""A policy in the loop's hands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from robokiln.policy import PolicyActor, TrainedPolicy, load
from robokiln.policy.demonstrations import Demonstrations
from robokiln.types import Array, Observation, State

Z = np.zeros(0)
NOWHERE = State(Z, Z, 1.0, 0.0, Z, Z, Z, Z, (frozenset(), frozenset()), Z, Z, Z)


class Scene:
    """Observations of demonstrated frames, which count how often pictures are asked for."""

    def __init__(self, demos: Demonstrations) -> None:
        self.demos, self.rendered = demos, 0

    def at(self, row: int) -> Observation:
        def images() -> dict[str, Array]:
            self.rendered += 1
            return {name: frames.parts[0][row] for name, frames in self.demos.frames.items()}

        data = self.demos
        text = data.instructions[0]
        pose, proprioception = data.target_goal_pose[row], data.proprioception[row]
        return Observation(NOWHERE, pose, proprioception, text, images)


@pytest.fixture
def policy(trained: Path) -> TrainedPolicy:
    return load(trained, "cpu")


def test_a_chunk_is_carried_out_before_the_next_is_asked_for(
    policy: TrainedPolicy, demos: Demonstrations
) -> None:
    scene = Scene(demos)
    actor = PolicyActor(policy)
    actions = np.stack([actor.act(scene.at(row)) for row in range(4)])
    assert scene.rendered == 4 // policy.execute
    pictures = {name: frames.parts[0][[0, 2]] for name, frames in demos.frames.items()}
    chunks = policy.predict(pictures, demos.proprioception[[0, 2]], [demos.instructions[0]] * 2)
    np.testing.assert_allclose(actions, chunks[:, :2].reshape(4, 10), atol=1e-5)


def test_controls_change_what_the_policy_is_shown(
    policy: TrainedPolicy, demos: Demonstrations
) -> None:
    seen = PolicyActor(policy).act(Scene(demos).at(0))
    blank = PolicyActor(policy, blank_images=True).act(Scene(demos).at(0))
    told = PolicyActor(policy, instruction="into the bowl").act(Scene(demos).at(0))
    assert np.abs(seen - blank).max() > 1e-6
    assert np.abs(seen - told).max() > 1e-7
