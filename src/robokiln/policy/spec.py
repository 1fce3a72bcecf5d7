"""What a policy is apart from its weights, and the tensors that go in and out of every model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from robokiln.dataset import RecordedCamera
from robokiln.deploy import TrainedOn
from robokiln.geometry import rot6_to_matrix
from robokiln.policy.roles import role_features
from robokiln.policy.transforms import Normalize
from robokiln.policy.words import Vocabulary
from robokiln.types import Array

WHOLE = 96
"""Pixels of a picture's shorter side from twice of which on a first look takes several for one."""


@dataclass(frozen=True)
class PolicySpec:
    """Everything that builds a model and turns its outputs into actions; plain JSON.

    `chunk_scale` normalises relative chunks without the gripper, flattened to chunk * 9 entries;
    `position` normalises positions in the base frame. `binary_gripper`: it was only ever told to
    open or to close, so that an answer in between is doubt and not a command. `vocabulary` is empty
    where `language` has one of its own; `encoder_sha256` is then the fingerprint of its files.
    `elsewhere` are cameras of the same names as they stood in further datasets.
    """

    model: str
    chunk: int
    execute: int
    width: int
    two_step: bool
    crop_margin: int
    binary_gripper: bool
    cameras: tuple[RecordedCamera, ...]
    vocabulary: Vocabulary
    proprioception: Normalize
    position: Normalize
    chunk_scale: Normalize
    trained_on: TrainedOn
    elsewhere: tuple[RecordedCamera, ...] = ()
    language: str = "words"
    encoder_sha256: str = ""

    def crop(self, camera: RecordedCamera) -> tuple[int, int]:
        """Height and width that the model sees: whole cells of its coarsest map."""
        cell = 8 * self.shrink(camera)
        return (
            (camera.height - self.crop_margin) // cell * cell,
            (camera.width - self.crop_margin) // cell * cell,
        )

    def shrink(self, camera: RecordedCamera) -> int:
        """How many pixels the model's first look takes for one, each way."""
        return max(1, min(camera.height, camera.width) // WHOLE)


@dataclass(frozen=True)
class Inputs:
    """What a model may look at, also when it acts.

    images: camera -> uint8 [B, h, w, 3], cropped; offsets: camera -> [B, 2], the crops' corner;
    tokens, int64 words [B, L] or float32 vectors [B, L, D]; proprioception [B, 10] and position
    [B, 3], the end effector's, normalised; turn [B, 3, 3], its rotation; shown [B], 0 where
    proprioception is withheld; roles [B, 2, 9], read by the state policy only.
    """

    images: Mapping[str, Tensor]
    offsets: Mapping[str, Tensor]
    tokens: Tensor
    proprioception: Tensor
    position: Tensor
    turn: Tensor
    shown: Tensor
    roles: Tensor


@dataclass(frozen=True)
class Labels:
    """What training alone knows.

    motion [B, chunk, 9], normalised; gripper [B, chunk]; noise [B, chunk * 10]; pixels: camera ->
    [B, R, 3], in the crop; visible: camera -> [B, R], 0 where others hide it; quarters: camera ->
    [B, R, 2], how each is turned (see `facing`), as the tool sees it for a camera that it carries
    and in the base frame for others; positions [B, R, 3], normalised; named [B, R], 0 for roles
    that the instruction does not name; there [B, R], 0 where nothing in the scene is what it names;
    acted [B, chunk], 0 where motion and gripper are not what the instruction asks for: it is an
    alternative, or the demonstration was thrown off before.
    blur [B, R, 3] (m) is by how much the head is misled about where things are; imagined are things
    elsewhere, as `marks` of the same cameras would show them: camera -> [B, R, 4], at
    imagined_positions [B, R, 3], normalised. looked [B] is 0 where what acts has to do with places
    alone.
    """

    motion: Tensor
    gripper: Tensor
    noise: Tensor
    pixels: Mapping[str, Tensor]
    visible: Mapping[str, Tensor]
    quarters: Mapping[str, Tensor]
    positions: Tensor
    named: Tensor
    there: Tensor
    acted: Tensor
    blur: Tensor
    imagined: Mapping[str, Tensor]
    imagined_positions: Tensor
    looked: Tensor


class ChunkModel(nn.Module):
    """A model that predicts chunks; subclasses are found by name in `models.MODELS`."""

    uses_images: bool = True

    def losses(self, inputs: Inputs, labels: Labels) -> dict[str, Tensor]:
        """Weighted terms; training minimises their sum."""
        raise NotImplementedError

    def forward(self, inputs: Inputs) -> Tensor:
        """Normalised motion and the gripper's opening in [0, 1]: [B, chunk, 10]."""
        raise NotImplementedError


ModelClass = Callable[[PolicySpec], ChunkModel]


def make_inputs(
    spec: PolicySpec,
    images: Mapping[str, Tensor],
    offsets: Mapping[str, Array],
    tokens: Array,
    proprioception: Array,
    target_goal_pose: Array,
    shown: Array,
) -> Inputs:
    """Normalise raw arrays of B rows; the images are cropped already."""
    roles = role_features(np.asarray(target_goal_pose, np.float64))
    roles[..., :3] = spec.position(roles[..., :3])
    return Inputs(
        images,
        {name: to_tensor(value) for name, value in offsets.items()},
        torch.from_numpy(tokens),
        to_tensor(spec.proprioception(proprioception)),
        to_tensor(spec.position(proprioception[:, :3])),
        to_tensor(rot6_to_matrix(proprioception[:, 3:9])),
        to_tensor(shown),
        to_tensor(roles),
    )


def to_tensor(value: Array) -> Tensor:
    return torch.from_numpy(np.asarray(value, np.float32))


def center_offsets(spec: PolicySpec, batch: int) -> dict[str, Array]:
    """Corner x, y of the middle crop of each camera: [B, 2]."""
    middle = {}
    for camera in spec.cameras:
        height, width = spec.crop(camera)
        corner = [(camera.width - width) // 2, (camera.height - height) // 2]
        middle[camera.name] = np.tile(corner, (batch, 1))
    return middle


def crop_images(frames: Any, rows: Sequence[int] | Array, offsets: Array,
                size: tuple[int, int]) -> Array:  # fmt: skip
    """Rows of pictures [N, H, W, 3], each cut to `size` at its own corner x, y [B, 2]."""
    height, width = size
    out = np.empty((len(rows), height, width, 3), np.uint8)
    for i, (row, (x, y)) in enumerate(zip(rows, offsets, strict=True)):
        out[i] = frames[row, y : y + height, x : x + width]
    return out
