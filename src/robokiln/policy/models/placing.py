"""From where cameras point to where things are: rays that meet a height."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import torch
from torch import Tensor, nn

from robokiln.dataset import RecordedCamera
from robokiln.geometry import intrinsics, quat_to_matrix
from robokiln.policy.roles import ROLES
from robokiln.policy.spec import Inputs, PolicySpec

R = len(ROLES)
TABLE = 0.03
"""Metres above the base at which most things' middles are; what is learned starts from there."""
HAND = 0.1
"""Metres from the tool's point that one stands for in what is learned of things in the hand."""
STEEPEST, NEAREST, FARTHEST, PARALLEL = 0.1, 0.02, 2.0, 0.01
"""Of rays: how much one must point down, between which lengths (m) it may meet something, and the
least squared sine between two."""


class Ray(nn.Module):
    """Marks of one camera -> the rays that they are seen along, in the base frame."""

    turn: Tensor
    at: Tensor
    focal: Tensor
    middle: Tensor

    def __init__(self, camera: RecordedCamera) -> None:
        super().__init__()
        self.carried = camera.frame == "tool"
        k, size = intrinsics(camera.pinhole()), torch.tensor([camera.width, camera.height])
        for name, value in (
            ("turn", quat_to_matrix(np.array(camera.pose[3:]))),
            ("at", camera.pose[:3]),
            ("focal", torch.tensor([k[0, 0], k[1, 1]]) * 2 / size),
            ("middle", torch.tensor([k[0, 2], k[1, 2]]) * 2 / size - 1),
        ):
            made = torch.as_tensor(value, dtype=torch.float32)
            self.register_buffer(name, made, persistent=False)

    def forward(self, marks: Tensor, tool: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
        """marks [B, R, 4], the tool's position [B, 3] (m) and rotation [B, 3, 3] -> where the rays
        start [B, 1, 3] and where they go [B, R, 3]."""
        flat = (marks[..., :2] - self.middle) / self.focal
        along = torch.cat([flat, torch.ones_like(flat[..., :1])], -1) @ self.turn.T
        start = self.at.expand(len(marks), 1, 3)
        if self.carried:
            along, start = (
                along @ turn.transpose(-1, -2),
                start @ turn.transpose(-1, -2) + tool[:, None],
            )
        return start, along / along.norm(dim=-1, keepdim=True)


class Placing(nn.Module):
    """Marks of all cameras -> normalised positions of the roles in the base frame.

    Each camera's ray meets the height at which a thing is thought to be, that of the tool, which
    may hold it, and another camera's ray. A held thing is also where it was taken, as the tool sees
    it. How high, and where in the hand, that is, which of these points to believe, and what is
    still missing, is learned. A lens' distortion is left to that. A camera that stood elsewhere in
    some datasets has a ray for each place, and the task tells which one to believe.
    """

    center: Tensor
    scale: Tensor

    def __init__(self, spec: PolicySpec, text: int) -> None:
        super().__init__()
        self.names = [camera.name for camera in spec.cameras]
        known = (*spec.cameras, *spec.elsewhere)
        self.shown_by = [camera.name for camera in known]
        self.rays = nn.ModuleList(Ray(camera) for camera in known)
        for name in ("center", "scale"):
            value = torch.tensor(getattr(spec.position, name), dtype=torch.float32)
            self.register_buffer(name, value, persistent=False)
        pairs = combinations(range(len(known)), 2)
        self.pairs = [(a, b) for a, b in pairs if known[a].name != known[b].name]
        views, rays, crossings = len(self.names), len(known), len(self.pairs)
        # Height, what is missing, height about the tool, place in the hand, belief in each point.
        self.answers = [1, 3, 1, 3, 2 * rays + crossings + 1]
        self.learned = nn.Sequential(
            nn.Linear(R * (4 * views + 3 * rays + 4 * crossings) + 10 + text, 256),
            nn.GELU(),
            nn.Linear(256, 256),
            nn.GELU(),
            nn.Linear(256, R * sum(self.answers)),
        )

    def _near(self, points: Tensor) -> Tensor:
        return ((points - self.center) / self.scale).clamp(-3, 3)

    def forward(self, inputs: Inputs, task: Tensor, marks: Mapping[str, Tensor]) -> Tensor:
        """marks: camera -> [B, R, 4], x and y in [-1, 1] over its whole picture, whether the thing
        is in it and how sure that is; task [B, text]."""
        tool = inputs.position * self.scale + self.center
        shown = [marks[name] for name in self.shown_by]
        rays = [ray(m, tool, inputs.turn) for ray, m in zip(self.rays, shown, strict=True)]
        low = self.center.new_full((1, 1), TABLE)
        crossings = [crossing(rays[a], rays[b]) for a, b in self.pairs]
        guess = [
            self._near(point)
            for point in (*(met(r, low) for r in rays), *(p for p, _ in crossings))
        ]
        told = [inputs.proprioception, task]
        told += [part.flatten(1) for part in (*guess, *(marks[name] for name in self.names))]
        told += [(10 * gap).clamp(-3, 3) for _, gap in crossings]
        found = self.learned(torch.cat(told, -1)).unflatten(-1, (R, -1))
        height, missing, beside, grip, belief = found.split(self.answers, -1)
        heights = TABLE + 0.1 * height[..., 0], tool[:, 2:] + 0.1 * beside[..., 0]
        seen = [mark[..., 2] * mark[..., 3] for mark in shown]
        seen += [*seen, *(seen[a] * seen[b] for a, b in self.pairs), torch.ones_like(seen[0])]
        believed = (belief + (torch.stack(seen, -1) + 0.01).log()).softmax(-1)
        meetings = [met(ray, level) for level in heights for ray in rays]
        in_hand = tool[:, None] + HAND * grip @ inputs.turn.transpose(-1, -2)
        points = torch.stack([*meetings, *(p for p, _ in crossings), in_hand], -2)
        place = (points * believed[..., None]).sum(-2)
        return (place - self.center) / self.scale + 0.1 * missing


def crossing(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """The middle [B, R, 3] between two rays where they pass each other, and their distance there
    [B, R] (m)."""
    (a, u), (b, v) = one, other
    across, cosine = b - a, (u * v).sum(-1)
    sine = (1 - cosine.square()).clamp_min(PARALLEL)
    along, back = (across * u).sum(-1), (across * v).sum(-1)
    first = a + u * (((along - cosine * back) / sine).clamp(NEAREST, FARTHEST))[..., None]
    second = b + v * (((cosine * along - back) / sine).clamp(NEAREST, FARTHEST))[..., None]
    return (first + second) / 2, (first - second).norm(dim=-1)


def met(ray: tuple[Tensor, Tensor], height: Tensor) -> Tensor:
    """Where rays [B, R, 3] meet heights (m) that broadcast to [B, R]."""
    start, along = ray
    down = along[..., 2].clamp_max(-STEEPEST)
    length = ((height - start[..., 2]) / down).clamp(NEAREST, FARTHEST)
    return start + along * length[..., None]
