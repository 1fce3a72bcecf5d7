"""What disturbs executed actions, step by step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from robokiln.episode import EpisodeConfig
from robokiln.episode.noise import ActionNoise
from robokiln.geometry import pose, pose_to_action, rot6_to_matrix, rotation_vector
from robokiln.types import Array

STILL = EpisodeConfig(noise_position=0, noise_rotation=0, kicks_per_second=1.0)
ACTION = pose_to_action(pose((0.4, 0.1, 0.2), (1.0, 0.0, 0.0, 0.0)), 1.0)


def turns(config: EpisodeConfig, steps: int = 400) -> Array:
    """How executed actions are turned against the clean one, in the base frame (rad): [N, 3]."""
    noise = ActionNoise(np.random.default_rng(0), config)
    clean = rot6_to_matrix(ACTION[3:9])
    executed = [rot6_to_matrix(noise(ACTION)[3:9]) for _ in range(steps)]
    return np.array([rotation_vector(turn @ clean.T) for turn in executed])


def test_kicks_twist_about_the_vertical_if_they_are_told_to() -> None:
    assert not turns(STILL).any()
    found = turns(replace(STILL, kick_turn=0.2))
    np.testing.assert_allclose(found[:, :2], 0, atol=1e-9)
    assert 0.1 < np.abs(found[:, 2]).max() <= 0.2
    assert found[:, 2].min() < -0.05 < 0.05 < found[:, 2].max()
    twisted = np.abs(found[:, 2]) > 0
    assert 0.1 < twisted.mean() < 0.4  # a quarter of a second, once a second


def test_a_twist_draws_nothing_where_there_is_none() -> None:
    plain = ActionNoise(np.random.default_rng(3), STILL)
    before = [plain(ACTION) for _ in range(100)]
    again = ActionNoise(np.random.default_rng(3), replace(STILL, kick_turn=0.0))
    np.testing.assert_array_equal(before, [again(ACTION) for _ in range(100)])
