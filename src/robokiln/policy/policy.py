"""What a policy offers to the loop that runs it, and the trained policies behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from robokiln.dataset import RecordedCamera
from robokiln.geometry import IDENTITY
from robokiln.policy.spec import (
    ChunkModel,
    Inputs,
    Labels,
    PolicySpec,
    center_offsets,
    crop_images,
    make_inputs,
)
from robokiln.policy.transforms import ToAbsolute
from robokiln.types import Array, RobokilnError, lookup

Tensors = TypeVar("Tensors", Inputs, Labels)


class Policy(Protocol):
    """Predicts `chunk` actions at a time, of which `execute` are carried out.

    `cameras` are those whose pictures it reads, as they were in training.
    """

    chunk: int
    execute: int
    uses_images: bool
    cameras: tuple[RecordedCamera, ...]

    def predict(
        self,
        images: Mapping[str, Array],
        proprioception: Array,
        instructions: Sequence[str],
        target_goal_pose: Array | None = None,
    ) -> Array:
        """Absolute actions in the base frame [B, chunk, 10], their rotations orthonormal.

        images: camera -> uint8 [B, H, W, 3]; proprioception [B, 10]; target_goal_pose [B, 14],
        which only privileged policies read.
        """
        ...


class TrainedPolicy:
    """A model with its normalisation; deterministic."""

    def __init__(self, spec: PolicySpec, model: ChunkModel, device: torch.device) -> None:
        self.spec, self.device = spec, device
        self.model = model.to(device).eval()
        self.chunk, self.execute = spec.chunk, spec.execute
        self.uses_images, self.cameras = model.uses_images, spec.cameras

    def predict(
        self,
        images: Mapping[str, Array],
        proprioception: Array,
        instructions: Sequence[str],
        target_goal_pose: Array | None = None,
    ) -> Array:
        """See `Policy.predict`."""
        batch = len(instructions)
        if target_goal_pose is None:
            if not self.uses_images:
                raise RobokilnError(f"policy '{self.spec.policy}' needs target_goal_pose [B, 14]")
            target_goal_pose = np.tile(IDENTITY, (batch, 2))
        offsets = center_offsets(self.spec, batch)
        start = np.asarray(proprioception, np.float64)
        inputs = make_inputs(
            self.spec,
            {c.name: self._cropped(images, c.name, offsets) for c in self.spec.cameras},
            offsets,
            self.spec.vocabulary.encode(instructions),
            start,
            target_goal_pose,
            np.ones(batch),
        )
        with torch.inference_mode():
            out = self.model(on_device(inputs, self.device)).double().cpu().numpy()
        if self.spec.binary_gripper:
            out[..., 9] = out[..., 9].round()
        motion = self.spec.chunk_scale.inverse(out[..., :9].reshape(batch, -1))
        motion = motion.reshape(batch, self.chunk, 9)
        return ToAbsolute()(np.concatenate([motion, out[..., 9:]], -1), start)

    def _cropped(self, images: Mapping[str, Array], name: str, offsets: dict[str, Array]) -> Array:
        camera = next(c for c in self.spec.cameras if c.name == name)
        pictures: Array = lookup("policy input: camera", name, images)
        expected = (camera.height, camera.width, 3)
        if pictures.dtype != np.uint8 or pictures.shape[1:] != expected:
            raise RobokilnError(
                f"camera '{name}': expected uint8 [B, {', '.join(map(str, expected))}], "
                f"got {pictures.dtype} {list(pictures.shape)}"
            )
        return crop_images(pictures, range(len(pictures)), offsets[name], self.spec.crop(camera))


def on_device(value: Tensors, device: torch.device) -> Tensors:
    """The same value with its tensors on a device."""

    def moved(part: Any) -> Any:
        if isinstance(part, Tensor):
            return part.to(device, non_blocking=True)
        return {name: moved(tensor) for name, tensor in part.items()}

    return replace(value, **{f.name: moved(getattr(value, f.name)) for f in fields(value)})


def pick_device(name: str) -> torch.device:
    """ "auto" takes a CUDA GPU where there is one."""
    available = {"auto": "", "cpu": "cpu"} | ({"cuda": "cuda"} if torch.cuda.is_available() else {})
    chosen: str = lookup("device", name, available)
    return torch.device(chosen or ("cuda" if "cuda" in available else "cpu"))
