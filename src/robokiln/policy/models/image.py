"""The default policy: cameras, proprioception and an instruction -> chunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robokiln.dataset import RecordedCamera
from robokiln.policy.head import ChunkHead, sum_of
from robokiln.policy.language import make_reader
from robokiln.policy.models.placing import Placing
from robokiln.policy.models.tool import AWAY, HELD, Away, held, told
from robokiln.policy.roles import ROLES
from robokiln.policy.spec import ChunkModel, Inputs, Labels, PolicySpec
from robokiln.policy.text import READS
from robokiln.policy.vision import (
    STRIDE,
    CameraEncoder,
    View,
    heatmap_target,
)

TEXT = 64
FREE = 32
"""Keypoints of a camera on the tool that nobody names; they are places as the tool sees them."""
POINTING = 0.3
"""The weight of the heatmaps' cross-entropy; with a third of it things are taken for others more
often (docs/decisions.md)."""
R = len(ROLES)


@dataclass(frozen=True)
class Looked:
    """read [B, READS, TEXT]; views by camera; marks: camera -> [B, R, 4]; places [B, R, 3],
    normalised positions of the roles in the base frame."""

    read: Tensor
    views: Mapping[str, View]
    marks: Mapping[str, Tensor]
    places: Tensor

    def known(self) -> Tensor:
        """How surely any camera sees each role: [B, R]."""
        unseen = [1 - mark[..., 2] * mark[..., 3] for mark in self.marks.values()]
        return 1 - torch.stack(unseen).prod(0)


class ImageModel(ChunkModel):
    """Points at what the instruction names in each camera, places it in space, then acts.

    In training the simulator's poses supervise both: where things are in each picture, and their
    positions in the base frame. Nothing of that is needed to act. What acts is told where things
    are as seen from the tool, and its answers are in the tool's frame, so that what it learned in
    one place it knows everywhere.
    """

    def __init__(self, spec: PolicySpec) -> None:
        super().__init__()
        self.spec = spec
        views, width = len(spec.cameras), spec.width
        self.text = make_reader(spec, TEXT)
        self.eyes = nn.ModuleDict(
            {
                c.name: CameraEncoder(TEXT, width // 2, width, FREE if c.frame == "tool" else 0)
                for c in spec.cameras
            }
        )
        self.place = Placing(spec, TEXT)
        carried = [c for c in spec.cameras if c.frame == "tool"]
        inputs = views * R * (1 + width) + R * AWAY + READS * TEXT + HELD
        inputs += R + len(carried) * 2 * (R + FREE)
        self.away = Away(spec)
        self.head = ChunkHead(spec, inputs, R, 6 * width)

    def look(self, inputs: Inputs) -> Looked:
        """What the instruction names, where the cameras have it, and where that is in space."""
        read = self.text(inputs.tokens)
        views = {}
        for name, eye in self.eyes.items():
            # NHWC bytes seen as NCHW are channels_last already, which convolutions here prefer.
            pictures = inputs.images[name].permute(0, 3, 1, 2).float() / 127.5 - 1
            views[name] = eye(pictures, read)
        marks = self._marks(inputs, views)
        return Looked(read, views, marks, self.place(inputs, read[:, R], marks))

    def _marks(self, inputs: Inputs, views: dict[str, View]) -> dict[str, Tensor]:
        """Camera -> where it has each role, in [-1, 1] over its whole picture, whether that is in
        the picture, and how sure the pointing is: [B, R, 4]."""
        marks = {}
        for camera in self.spec.cameras:
            view = views[camera.name]
            at = full_picture(camera, view.keypoints, inputs.offsets[camera.name])
            marks[camera.name] = torch.cat([at, torch.stack([view.seen, view.sure], -1)], -1)
        return marks

    def _features(
        self,
        inputs: Inputs,
        found: Looked,
        blur: Tensor | None = None,
        looked: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        away = self.away(inputs, found.places if blur is None else found.places + blur)
        parts, seen = [found.read, told(away), found.known(), held(inputs)], []
        for camera in self.spec.cameras:
            view = found.views[camera.name]
            seen += [view.seen, view.pooled]
            if camera.frame == "tool":
                free = full_picture(camera, view.free, inputs.offsets[camera.name])
                seen += [found.marks[camera.name][..., :2], free]
        flat = torch.cat([part.flatten(1) for part in seen], -1)
        parts.append(flat if looked is None else flat * looked[:, None])
        return torch.cat([part.flatten(1) for part in parts], -1), away

    def losses(self, inputs: Inputs, labels: Labels) -> dict[str, Tensor]:
        found, heat = self.look(inputs), []
        for name, view in found.views.items():
            height, width = (n // STRIDE for n in inputs.images[name].shape[1:3])
            target = heatmap_target(labels.pixels[name], labels.visible[name], height, width)
            logits = view.logits.flatten(0, 1)
            off = F.cross_entropy(logits, target.flatten(0, 1), reduction="none")
            heat.append(mean_of(off.view(labels.named.shape), labels.named))
        blur = labels.blur / self.away.metres
        terms = self.head.losses(*self._features(inputs, found, blur, labels.looked), labels)
        terms["pointing"] = POINTING * sum_of(heat)
        terms["places"] = mean_of(
            distance(found.places, labels.positions), labels.named * labels.there
        )
        if labels.imagined:
            guess = self.place(inputs, found.read[:, R], labels.imagined)
            terms["imagined"] = mean_of(distance(guess, labels.imagined_positions), labels.named)
        return terms

    def forward(self, inputs: Inputs) -> Tensor:
        out: Tensor = self.head(*self._features(inputs, self.look(inputs)))
        return out


def full_picture(camera: RecordedCamera, pixels: Tensor, offset: Tensor) -> Tensor:
    """Pixels [B, N, 2] of the crop at `offset` [B, 2] -> [-1, 1] over the whole picture."""
    size = pixels.new_tensor([camera.width, camera.height])
    return (pixels + offset[:, None]) / size * 2 - 1


def distance(places: Tensor, truth: Tensor) -> Tensor:
    """Smooth L1 between normalised positions [B, R, 3]: [B, R]."""
    return F.smooth_l1_loss(places, truth, beta=0.05, reduction="none").mean(-1)


def mean_of(values: Tensor, counted: Tensor) -> Tensor:
    """The mean of those values [B, R] that count."""
    return (values * counted).sum() / counted.sum().clamp_min(1.0)
