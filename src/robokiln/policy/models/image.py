"""The default policy: cameras, proprioception and an instruction -> chunk."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robokiln.dataset import RecordedCamera
from robokiln.policy.head import ChunkHead, sum_of
from robokiln.policy.spec import ChunkModel, Inputs, Labels, PolicySpec
from robokiln.policy.text import ROLES, TextEncoder
from robokiln.policy.vision import (
    FREE_KEYPOINTS,
    STRIDE,
    CameraEncoder,
    View,
    heatmap_target,
)

TEXT = 64


class ImageModel(ChunkModel):
    """Points at the target and the goal in each camera, places them in space, then acts.

    In training the simulator's poses supervise both: where things are in each picture, and their
    positions in the base frame. Nothing of that is needed to act.
    """

    def __init__(self, spec: PolicySpec) -> None:
        super().__init__()
        self.spec = spec
        views, width = len(spec.cameras), spec.width
        self.text = TextEncoder(len(spec.vocabulary.words), TEXT)
        self.eyes = nn.ModuleDict(
            {c.name: CameraEncoder(TEXT, width // 2, width) for c in spec.cameras}
        )
        self.place = nn.Sequential(
            nn.Linear(views * ROLES * 3 + 10, 256),
            nn.GELU(),
            nn.Linear(256, 256),
            nn.GELU(),
            nn.Linear(256, ROLES * 3),
        )
        per_view = ROLES * (3 + width) + 2 * FREE_KEYPOINTS
        self.head = ChunkHead(spec, views * per_view + ROLES * (3 + 3 + TEXT) + 11)

    def _look(self, inputs: Inputs) -> tuple[Tensor, dict[str, View]]:
        roles = self.text(inputs.tokens)
        views = {}
        for name, eye in self.eyes.items():
            # NHWC bytes seen as NCHW are channels_last already, which convolutions here prefer.
            pictures = inputs.images[name].permute(0, 3, 1, 2).float() / 127.5 - 1
            views[name] = eye(pictures, roles)
        return roles, views

    def _full(self, camera: RecordedCamera, pixels: Tensor, offset: Tensor) -> Tensor:
        """Pixels of the crop -> [-1, 1] over the camera's whole picture."""
        size = pixels.new_tensor([camera.width, camera.height])
        return (pixels + offset[:, None]) / size * 2 - 1

    def _places(self, inputs: Inputs, views: dict[str, View]) -> Tensor:
        """Normalised positions of the target and the goal in the base frame: [B, 2, 3]."""
        marks = [inputs.proprioception]
        for camera in self.spec.cameras:
            view = views[camera.name]
            marks.append(self._full(camera, view.keypoints, inputs.offsets[camera.name]).flatten(1))
            marks.append(view.seen)
        out: Tensor = self.place(torch.cat(marks, -1)).unflatten(-1, (ROLES, 3))
        return out

    def _features(
        self, inputs: Inputs, roles: Tensor, views: dict[str, View], places: Tensor
    ) -> Tensor:
        shown = inputs.shown[:, None]
        away = places - inputs.position[:, None]
        parts = [roles, places, away, inputs.proprioception * shown, shown]
        for camera in self.spec.cameras:
            view, offset = views[camera.name], inputs.offsets[camera.name]
            parts += [self._full(camera, view.keypoints, offset), view.seen, view.pooled]
            parts.append(self._full(camera, view.free, offset))
        return torch.cat([part.flatten(1) for part in parts], -1)

    def losses(self, inputs: Inputs, labels: Labels) -> dict[str, Tensor]:
        roles, views = self._look(inputs)
        places = self._places(inputs, views)
        heat = []
        for name, view in views.items():
            height, width = (n // STRIDE for n in inputs.images[name].shape[1:3])
            target = heatmap_target(labels.pixels[name], height, width)
            heat.append(F.cross_entropy(view.logits.flatten(0, 1), target.flatten(0, 1)))
        terms = self.head.losses(self._features(inputs, roles, views, places), labels)
        terms["pointing"] = 0.1 * sum_of(heat)
        terms["places"] = F.smooth_l1_loss(places, labels.positions, beta=0.05)
        return terms

    def forward(self, inputs: Inputs) -> Tensor:
        roles, views = self._look(inputs)
        places = self._places(inputs, views)
        out: Tensor = self.head(self._features(inputs, roles, views, places))
        return out
