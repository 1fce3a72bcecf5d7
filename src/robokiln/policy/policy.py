"""Trained policies: a model and all arithmetic around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from robokiln.dataset import RecordedCamera
from robokiln.deploy import pictures_of
from robokiln.geometry import IDENTITY
from robokiln.policy.language import make_encoder
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


class TrainedPolicy:
    """A model with its normalisation; deterministic."""

    def __init__(self, spec: PolicySpec, model: ChunkModel, device: torch.device) -> None:
        self.spec, self.device = spec, device
        self.model = model.to(device).eval()
        self.chunk, self.execute = spec.chunk, spec.execute
        self.uses_images, self.cameras = model.uses_images, spec.cameras
        self.trained_on = spec.trained_on
        self.encoder = make_encoder(spec)

    def predict(
        self,
        images: Mapping[str, Array],
        proprioception: Array,
        instructions: Sequence[str],
        target_goal_pose: Array | None = None,
    ) -> Array:
        """See `deploy.Policy.predict`."""
        inputs = self.inputs(images, proprioception, instructions, target_goal_pose)
        start = np.asarray(proprioception, np.float64)
        batch = len(start)
        with torch.inference_mode():
            out = self.model(inputs).double().cpu().numpy()
        if self.spec.binary_gripper:
            out[..., 9] = out[..., 9].round()
        motion = self.spec.chunk_scale.inverse(out[..., :9].reshape(batch, -1))
        motion = motion.reshape(batch, self.chunk, 9)
        return ToAbsolute()(np.concatenate([motion, out[..., 9:]], -1), start)

    def inputs(
        self,
        images: Mapping[str, Array],
        proprioception: Array,
        instructions: Sequence[str],
        target_goal_pose: Array | None = None,
    ) -> Inputs:
        """What the model is given of such observations, on its device."""
        batch = len(instructions)
        if target_goal_pose is None:
            if not self.uses_images:
                raise RobokilnError(f"policy '{self.spec.model}' needs target_goal_pose [B, 14]")
            target_goal_pose = np.tile(IDENTITY, (batch, 2))
        offsets = center_offsets(self.spec, batch)
        inputs = make_inputs(
            self.spec,
            {c.name: self._cropped(c, images, offsets[c.name]) for c in self.spec.cameras},
            offsets,
            self.encoder.encode(instructions),
            np.asarray(proprioception, np.float64),
            target_goal_pose,
            np.ones(batch),
        )
        return on_device(inputs, self.device)

    def _cropped(
        self, camera: RecordedCamera, images: Mapping[str, Array], offsets: Array
    ) -> Tensor:
        pictures, size = pictures_of(camera, images), self.spec.crop(camera)
        return torch.from_numpy(crop_images(pictures, range(len(pictures)), offsets, size))


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
