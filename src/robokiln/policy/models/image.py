"""The default policy: cameras, proprioception and an instruction -> chunk."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robokiln.dataset import RecordedCamera
from robokiln.policy.head import ChunkHead, sum_of
from robokiln.policy.language import make_reader
from robokiln.policy.roles import ROLES
from robokiln.policy.spec import ChunkModel, Inputs, Labels, PolicySpec
from robokiln.policy.text import READS
from robokiln.policy.vision import (
    FREE_KEYPOINTS,
    STRIDE,
    CameraEncoder,
    View,
    heatmap_target,
)

TEXT = 64
R = len(ROLES)


class ImageModel(ChunkModel):
    """Points at what the instruction names in each camera, places it in space, then acts.

    In training the simulator's poses supervise both: where things are in each picture, and their
    positions in the base frame. Nothing of that is needed to act.
    """

    def __init__(self, spec: PolicySpec) -> None:
        super().__init__()
        self.spec = spec
        views, width = len(spec.cameras), spec.width
        self.text = make_reader(spec, TEXT)
        self.eyes = nn.ModuleDict(
            {c.name: CameraEncoder(TEXT, width // 2, width) for c in spec.cameras}
        )
        self.place = nn.Sequential(
            nn.Linear(views * R * 3 + 10 + TEXT, 256),
            nn.GELU(),
            nn.Linear(256, 256),
            nn.GELU(),
            nn.Linear(256, R * 3),
        )
        per_view = R * (3 + width) + 2 * FREE_KEYPOINTS
        inputs = views * per_view + R * (3 + 3) + READS * TEXT + 11
        self.head = ChunkHead(spec, inputs, 6 * width)

    def _look(self, inputs: Inputs) -> tuple[Tensor, dict[str, View]]:
        read = self.text(inputs.tokens)
        views = {}
        for name, eye in self.eyes.items():
            # NHWC bytes seen as NCHW are channels_last already, which convolutions here prefer.
            pictures = inputs.images[name].permute(0, 3, 1, 2).float() / 127.5 - 1
            views[name] = eye(pictures, read)
        return read, views

    def _full(self, camera: RecordedCamera, pixels: Tensor, offset: Tensor) -> Tensor:
        """Pixels of the crop -> [-1, 1] over the camera's whole picture."""
        size = pixels.new_tensor([camera.width, camera.height])
        return (pixels + offset[:, None]) / size * 2 - 1

    def _places(self, inputs: Inputs, read: Tensor, views: dict[str, View]) -> Tensor:
        """Normalised positions of the roles in the base frame: [B, R, 3]. The task is among what
        tells, as cameras stand elsewhere in some tasks."""
        marks = [inputs.proprioception, read[:, R]]
        for camera in self.spec.cameras:
            view = views[camera.name]
            marks.append(self._full(camera, view.keypoints, inputs.offsets[camera.name]).flatten(1))
            marks.append(view.seen)
        out: Tensor = self.place(torch.cat(marks, -1)).unflatten(-1, (R, 3))
        return out

    def _features(
        self, inputs: Inputs, read: Tensor, views: dict[str, View], places: Tensor
    ) -> Tensor:
        shown = inputs.shown[:, None]
        away = places - inputs.position[:, None]
        parts = [read, places, away, inputs.proprioception * shown, shown]
        for camera in self.spec.cameras:
            view, offset = views[camera.name], inputs.offsets[camera.name]
            parts += [self._full(camera, view.keypoints, offset), view.seen, view.pooled]
            parts.append(self._full(camera, view.free, offset))
        return torch.cat([part.flatten(1) for part in parts], -1)

    def losses(self, inputs: Inputs, labels: Labels) -> dict[str, Tensor]:
        read, views = self._look(inputs)
        places = self._places(inputs, read, views)
        heat = []
        for name, view in views.items():
            height, width = (n // STRIDE for n in inputs.images[name].shape[1:3])
            target = heatmap_target(labels.pixels[name], height, width)
            logits = view.logits.flatten(0, 1)
            off = F.cross_entropy(logits, target.flatten(0, 1), reduction="none")
            heat.append(mean_of(off.view(labels.named.shape), labels.named))
        terms = self.head.losses(self._features(inputs, read, views, places), labels)
        terms["pointing"] = 0.1 * sum_of(heat)
        away = F.smooth_l1_loss(places, labels.positions, beta=0.05, reduction="none")
        terms["places"] = mean_of(away.mean(-1), labels.named)
        return terms

    def forward(self, inputs: Inputs) -> Tensor:
        read, views = self._look(inputs)
        places = self._places(inputs, read, views)
        out: Tensor = self.head(self._features(inputs, read, views, places))
        return out


def mean_of(values: Tensor, counted: Tensor) -> Tensor:
    """The mean of those values [B, R] that count."""
    return (values * counted).sum() / counted.sum().clamp_min(1.0)
