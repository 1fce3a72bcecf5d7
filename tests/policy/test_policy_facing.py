"""Which way things face: the same in numpy and in PyTorch, and what a second look is at."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from robokiln.geometry import (
    pose,
    pose_to_action,
    quat_from_axis_angle,
    quat_from_yaw,
    quat_multiply,
    quat_to_matrix,
    rot6_to_matrix,
)
from robokiln.policy.closer import SIZE, Closer, crops_about
from robokiln.policy.facing import degrees_between, quarter_of, seen_by_tool, side_of
from robokiln.policy.models.facing import agreed, angle_of, base_to_tool, lining_up
from robokiln.policy.models.image import FIRMEST, doubted, missed
from robokiln.types import Array

DOWN = np.array([1.0, 0.0, 0.0, 0.0])
"""A tool that points at the table."""


def standing(yaw: float) -> Array:
    return pose((0.4, 0.0, 0.03), quat_from_yaw(yaw))


def tool(yaw: float) -> Array:
    quat = quat_multiply(quat_from_yaw(yaw), DOWN)
    return pose_to_action(pose((0.4, 0.0, 0.2), quat), 1.0)[None]


@pytest.mark.parametrize("yaw", [-0.7, -0.1, 0.0, 0.3, 0.78])
def test_a_quarter_turn_changes_nothing_and_tipping_over_neither(yaw: float) -> None:
    expected = np.array([np.cos(4 * yaw), np.sin(4 * yaw)])
    for quarters in range(4):
        side = side_of(standing(yaw + quarters * np.pi / 2))
        np.testing.assert_allclose(quarter_of(side), expected, atol=1e-9)
    for axis in np.eye(3):
        tipped = quat_multiply(quat_from_yaw(yaw), quat_from_axis_angle(axis, np.pi / 2))
        side = side_of(pose((0, 0, 0), tipped))
        np.testing.assert_allclose(quarter_of(side), expected, atol=1e-9)


@pytest.mark.parametrize("yaw", [-0.6, 0.0, 0.2, 0.7])
@pytest.mark.parametrize("turned", [-2.0, 0.0, 0.5])
def test_turning_by_what_lines_up_lines_up(yaw: float, turned: float) -> None:
    hand, side = tool(turned), side_of(standing(yaw))[None, None]
    seen = torch.tensor(quarter_of(seen_by_tool(side, hand)))
    columns = np.array([1.0, 0, 0, 0, 1, 0]) + lining_up(seen)[0, 0].numpy()
    after = rot6_to_matrix(hand[0, 3:9]) @ rot6_to_matrix(columns)
    np.testing.assert_allclose(after[2], rot6_to_matrix(hand[0, 3:9])[2], atol=1e-6)
    lined_up = np.concatenate([hand[0, :3], after[:, 0], after[:, 1], [1.0]])[None]
    found = quarter_of(seen_by_tool(side, lined_up))[0, 0]
    assert degrees_between(found, np.array([1.0, 0.0])) < 0.1
    assert np.abs(np.arctan2(columns[1], columns[0])) <= np.pi / 4 + 1e-3


def test_torch_turns_quarters_into_the_tools_frame_as_numpy_turns_axes() -> None:
    rng = np.random.default_rng(0)
    side = side_of(np.stack([standing(y) for y in rng.uniform(-3, 3, 60)])).reshape(20, 3, 3)
    tilts = [quat_from_axis_angle(a / np.linalg.norm(a), 0.1) for a in rng.normal(size=(20, 3))]
    hands = np.concatenate([tool(y) for y in rng.uniform(-3, 3, 20)])
    turns = np.stack([quat_to_matrix(q) for q in tilts]) @ rot6_to_matrix(hands[:, 3:9])
    hands = np.concatenate([hands[:, :3], turns[..., 0], turns[..., 1], hands[:, 9:]], -1)
    expected = quarter_of(seen_by_tool(side, hands))
    found = base_to_tool(torch.tensor(quarter_of(side)), torch.tensor(turns)).numpy()
    assert degrees_between(found, expected).max() < 0.5  # tilted squares are none
    assert degrees_between(found, quarter_of(side)).max() > 10


def test_halving_angles_has_no_slope_that_explodes() -> None:
    angles = torch.linspace(-torch.pi, torch.pi, 1001, dtype=torch.float64)
    quarters = torch.stack([angles.cos(), angles.sin()], -1).requires_grad_()
    found = angle_of(quarters)
    inside = angles.abs() < 3.1
    expected = torch.stack([(angles / 4).cos(), (angles / 4).sin()], -1)
    torch.testing.assert_close(found[inside], expected[inside], atol=1e-3, rtol=0)
    found.sum().backward()
    assert quarters.grad is not None
    assert quarters.grad.isfinite().all()
    zero = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    lining_up(zero).sum().backward()
    assert zero.grad is not None
    assert zero.grad.isfinite().all()


def test_cameras_agree_on_what_the_surer_one_says() -> None:
    here, there = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[0.0, 1.0]]])
    sure, unsure = torch.tensor([[50.0]]), torch.tensor([[0.5]])
    found = agreed([here, there], [sure, unsure])[0, 0].numpy()
    assert degrees_between(found, here[0, 0].numpy()) < 1
    assert np.linalg.norm(found) > 0.95
    assert agreed([here, there], [0 * sure, 0 * sure]).norm() == 0


def test_crops_are_pixels_of_the_picture() -> None:
    height, width = 40, 56
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    pictures = torch.stack([x, y, x + y]).float().expand(2, 3, height, width)
    at = torch.tensor([[[28.0, 20.0], [0.0, 39.0]], [[55.9, 0.1], [13.4, 12.6]]])
    crops, middle = crops_about(pictures, at, SIZE)
    assert crops.shape == (2, 2, 3, SIZE, SIZE)
    half = SIZE / 2
    expected = at.clamp(torch.tensor(half), torch.tensor([width - half, height - half]))
    assert (middle - expected).abs().max() <= 0.5
    for crop, (mx, my) in zip(crops.flatten(0, 1), middle.flatten(0, 1), strict=True):
        left, top = int(mx - half), int(my - half)
        assert (crop == pictures[0, :, top : top + SIZE, left : left + SIZE]).all()


@pytest.mark.parametrize("shrink", [1, 2])
def test_a_second_look_learns_where_exactly_and_which_way_round(shrink: int) -> None:
    """A square, off the middle of what is looked at, and turned."""
    torch.manual_seed(0)
    side = shrink * SIZE
    closer, rng = Closer(8, 32, (side, side), shrink), np.random.default_rng(0)
    optimizer = torch.optim.AdamW(closer.parameters(), 3e-3)
    y, x = (np.mgrid[:side, :side] + 0.5) / shrink
    read, middle = torch.zeros(64, 1, 8), torch.full((64, 1, 2), side / 2)
    for _ in range(250):
        at, angle = rng.uniform(7, 17, (64, 1, 2)), rng.uniform(-np.pi / 4, np.pi / 4, (64, 1))
        apart = np.stack([x, y], -1) - at[:, 0, None, None]
        cosine, sine = np.cos(angle)[..., None], np.sin(angle)[..., None]
        along = np.abs(cosine * apart[..., 0] + sine * apart[..., 1])
        across = np.abs(cosine * apart[..., 1] - sine * apart[..., 0])
        square = ((along < 5) & (across < 5)).astype(np.float32) * 2 - 1
        pictures = torch.tensor(square)[:, None].expand(-1, 3, -1, -1)
        quarters = torch.tensor(np.stack([np.cos(4 * angle), np.sin(4 * angle)], -1)).float()
        pixels = torch.tensor(np.concatenate([shrink * at, np.ones((64, 1, 1))], -1)).float()
        close = closer(pictures, middle, read)
        off, counted = missed(close, pixels, torch.ones(64, 1))
        loss = off.mean() + doubted(close, quarters).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert counted.all()
    away = (close.keypoints - pixels[..., :2]).detach().norm(dim=-1)
    assert float(away.median()) < 0.7 * shrink
    wrong = degrees_between(close.quarter.detach().numpy(), quarters.numpy())
    assert np.median(wrong) < 8
    assert 0 < float(close.firm.detach().mean()) < FIRMEST


def test_what_was_not_looked_at_does_not_count() -> None:
    closer = Closer(8, 32, (32, 32), 1)
    close = closer(torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 2), torch.zeros(1, 3, 8))
    pixels = torch.tensor([[[3.0, 4.0, 1.0], [30.0, 4.0, 1.0], [float("nan"), 0.0, -1.0]]])
    off, counted = missed(close, pixels, torch.tensor([[1.0, 1.0, 0.0]]))
    assert counted.tolist() == [[1.0, 0.0, 0.0]]
    assert off.isfinite().all()
