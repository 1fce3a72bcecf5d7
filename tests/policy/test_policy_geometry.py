"""What a policy knows of space: rays of cameras, and that a motion is the same everywhere."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from small_policy import SMALL
from synthetic import cameras

from robokiln.dataset import RecordedCamera
from robokiln.geometry import (
    IDENTITY,
    action_to_pose,
    compose,
    pose,
    pose_to_action,
    quat_from_yaw,
    rot6_to_matrix,
)
from robokiln.policy import TrainConfig
from robokiln.policy.closer import DETAIL
from robokiln.policy.demonstrations import Demonstrations, role_pixels
from robokiln.policy.fit import fit_spec
from robokiln.policy.models import build_model
from robokiln.policy.models.between import Between, ways_of
from robokiln.policy.models.placing import HAND, Placing, Ray, crossing, met
from robokiln.policy.models.tool import HELD
from robokiln.policy.policy import TrainedPolicy
from robokiln.policy.roles import ROLES
from robokiln.policy.spec import center_offsets, make_inputs
from robokiln.types import Array

POINTS = np.random.default_rng(0).uniform([0.35, -0.2, 0.0], [0.65, 0.2, 0.1], (20, 3, 3))


@pytest.fixture(scope="module")
def tools() -> Array:
    """Measured end effectors [20, 10], all pointing down, more or less."""
    rng = np.random.default_rng(1)
    places = rng.uniform([0.4, -0.1, 0.35], [0.6, 0.1, 0.5], (20, 3))
    down = pose((0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0))
    turns = [compose(pose(p, quat_from_yaw(rng.uniform(-1, 1))), down) for p in places]
    return pose_to_action(np.array(turns), 1.0)


def rays(camera: RecordedCamera, tools: Array) -> tuple[torch.Tensor, torch.Tensor]:
    pixels = role_pixels(camera, tools, POINTS)
    marks = pixels[..., :2] / [camera.width, camera.height] * 2 - 1
    marks = np.concatenate([marks, np.ones_like(marks[..., :1])], -1)
    arrays = (marks, tools[:, :3], rot6_to_matrix(tools[:, 3:9]))
    return Ray(camera)(*(torch.tensor(a, dtype=torch.float32) for a in arrays))


@pytest.mark.parametrize("name", ["front", "wrist"])
def test_a_ray_meets_what_its_mark_shows(name: str, tools: Array) -> None:
    camera = next(c for c in cameras() if c.name == name)
    found = met(rays(camera, tools), torch.tensor(POINTS[..., 2], dtype=torch.float32))
    np.testing.assert_allclose(found, POINTS, atol=1e-4)


def test_two_rays_cross_at_what_both_show(tools: Array) -> None:
    point, gap = crossing(*(rays(camera, tools) for camera in cameras()))
    np.testing.assert_allclose(point, POINTS, atol=1e-4)
    assert gap.max() < 1e-4


def test_what_is_held_is_where_the_hand_has_it(demos: Demonstrations, tools: Array) -> None:
    """However the tool is turned, and wherever the marks say that it is."""
    spec = fit_spec(demos, SMALL)
    placing = Placing(spec, 4)
    last, roles = placing.learned[-1], len(ROLES)
    assert isinstance(last, torch.nn.Linear)
    grip = np.array([0.01, -0.02, 0.03])
    with torch.no_grad():
        last.weight.zero_()
        bias = last.bias.zero_().view(roles, -1)
        bias[:, 5:8] = torch.tensor(grip / HAND)
        bias[:, -1] = 30.0
    nothing = {c.name: np.zeros((20, 8, 8, 3), np.uint8) for c in spec.cameras}
    inputs = make_inputs(
        spec, {n: torch.tensor(v) for n, v in nothing.items()}, center_offsets(spec, 20),
        np.zeros((20, 4), np.int64), tools, np.tile(IDENTITY, (20, 2)), np.ones(20),
    )  # fmt: skip
    marks = {c.name: torch.rand(20, roles, 4) for c in spec.cameras}
    found = spec.position.inverse(placing(inputs, torch.zeros(20, 4), marks).detach().numpy())
    held = compose(action_to_pose(tools), np.tile([*grip, 0, 0, 0, 1.0], (20, 1)))[:, None, :3]
    np.testing.assert_allclose(found, np.repeat(held, roles, 1), atol=1e-4)


def test_ways_begin_as_differences_of_places_and_learn_the_rest_from_pictures() -> None:
    """Places are off by 2 mm; what a second look tells knows by how much."""
    torch.manual_seed(0)
    between = Between(views=1)
    optimizer = torch.optim.Adam(between.parameters(), 3e-3)
    off = []
    for _ in range(400):
        there = 0.05 * torch.rand(64, len(ROLES), 3)
        told = there + 0.002 * torch.randn_like(there)
        detail = torch.zeros(64, len(ROLES), DETAIL)
        detail[..., :3] = (told - there) / 0.002
        marks = torch.zeros(64, len(ROLES), 4)
        ways = between(told, [detail], [marks], torch.zeros(64, HELD))
        missed = (ways - ways_of(there)).norm(dim=-1)
        off.append(float(missed.detach().mean()))
        optimizer.zero_grad()
        (1000 * missed.mean()).backward()
        optimizer.step()
    assert 0.003 < off[0] < 0.007
    assert np.mean(off[-20:]) < 0.0006
    apart = there * 100
    ways = between(apart, [detail], [marks], torch.zeros(64, HELD))
    assert torch.equal(ways, ways_of(apart))
    assert torch.equal(ways[:, : len(ROLES)], apart)
    assert torch.equal(ways[:, len(ROLES)], apart[:, 1] - apart[:, 0])


@pytest.fixture(scope="module")
def blind(demos: Demonstrations) -> Demonstrations:
    """As they are read for a policy without cameras."""
    return dataclasses.replace(demos, cameras=((),), frames={})


def moved(poses: Array, by: Array) -> Array:
    return compose(np.broadcast_to(by, poses.shape), poses)


def test_a_motion_is_the_same_wherever_on_the_table_it_is_made(blind: Demonstrations) -> None:
    config = TrainConfig("state", 1, 32)
    spec = fit_spec(blind, config)
    torch.manual_seed(0)
    policy = TrainedPolicy(spec, build_model(spec), torch.device("cpu"))
    rows = np.arange(0, len(blind), 7)
    tool = action_to_pose(blind.proprioception[rows].astype(float))
    things = blind.target_goal_pose[rows].astype(float).reshape(-1, 2, 7)
    by = pose((0.07, -0.05, 0.0), (0.0, 0.0, 0.0, 1.0))
    chunks = []
    for shift in (pose((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)), by):
        state = pose_to_action(moved(tool, shift), blind.proprioception[rows, 9])
        told = moved(things, shift).reshape(-1, 14)
        chunks.append(policy.predict({}, state, [""] * len(rows), told))
    there = moved(action_to_pose(chunks[0]), by)
    np.testing.assert_allclose(action_to_pose(chunks[1])[..., :3], there[..., :3], atol=1e-5)


def test_with_an_anchor_a_fresh_head_follows_a_thing(blind: Demonstrations) -> None:
    """Weights of one pull every step of the chunk onto the target, to the millimetre."""
    spec = fit_spec(blind, dataclasses.replace(SMALL, model="state"))
    model = build_model(spec)
    head = model.head
    with torch.no_grad():
        head.leave.weight.zero_()
        bias = head.leave.bias.zero_().view(spec.chunk, -1)
        center = torch.tensor(spec.chunk_scale.center).view(spec.chunk, 9)
        scale = torch.tensor(spec.chunk_scale.scale).view(spec.chunk, 9)
        bias[:, :9] = -center / scale
        bias[:, 3], bias[:, 7] = ((1 - center) / scale)[:, 3], ((1 - center) / scale)[:, 7]
        bias[:, 10:13] = 1.0
    policy = TrainedPolicy(spec, model, torch.device("cpu"))
    rows = np.arange(0, len(blind), 7)
    told = blind.target_goal_pose[rows].astype(float)
    chunk = policy.predict({}, blind.proprioception[rows], [""] * len(rows), told)
    expected = np.repeat(told[:, None, :3], spec.chunk, 1)
    np.testing.assert_allclose(chunk[..., :3], expected, atol=1e-3)
