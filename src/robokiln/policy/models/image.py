"""The default policy: cameras, proprioception and an instruction -> chunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robokiln.dataset import RecordedCamera
from robokiln.policy.closer import DETAIL, FIRMEST, Closeup
from robokiln.policy.head import ChunkHead, sum_of
from robokiln.policy.language import make_reader
from robokiln.policy.models.between import (
    PAIRS,
    TOLD,
    Between,
    both_of,
    nearness,
    told_finely,
    ways_of,
)
from robokiln.policy.models.facing import agreed, base_to_tool, lining_up
from robokiln.policy.models.placing import Placing
from robokiln.policy.models.tool import AWAY, FAR, HELD, Away, held, told
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
KNEE = 0.003
"""Metres from which on it is told linearly how far off a place is."""
CLOSER, FACING, FIRM = 0.2, 0.1, 0.2
"""The weights of what the second look is off by, in pixels, of how things are turned, and therein
of how firmly that is known."""
BETWEEN, EXACT = 0.2, 0.0005
"""The weight of the ways from thing to thing, in units of KNEE, and metres from which on it is told
linearly how far off those are."""
ALIGNED, PLAIN = 0.9781, 0.05
"""The cosine of four times 3 degrees, and for how much things that the tool is lined up with by as
much count in learning how they are turned: most are, and they would be all that it learns."""
R = len(ROLES)
WAYS_BLUR = 0.2
"""By what share of `place_noise` the head is misled about the ways between things that are near."""


@dataclass(frozen=True)
class Looked:
    """read [B, READS, TEXT]; views by camera; marks: camera -> [B, R, 4]; places [B, R, 3],
    normalised positions of the roles in the base frame; quarters [B, R, 2], how the tool sees them
    turned, the shorter the less that is known; ways [B, PAIRS, 3] (m), as the tool sees them."""

    read: Tensor
    views: Mapping[str, View]
    marks: Mapping[str, Tensor]
    places: Tensor
    quarters: Tensor
    ways: Tensor

    def known(self) -> Tensor:
        """How surely any camera sees each role: [B, R]."""
        unseen = [1 - mark[..., 2] * mark[..., 3] for mark in self.marks.values()]
        return 1 - torch.stack(unseen).prod(0)


class ImageModel(ChunkModel):
    """Points at what the instruction names in each camera, places it in space, then acts.

    In training the simulator's poses supervise all of it: where things are in each picture, how
    they are turned, and their positions in the base frame. Nothing of that is needed to act. What
    acts is told where things are and how they are turned as seen from the tool, and its answers are
    in the tool's frame, so that what it learned in one place it knows everywhere.
    """

    def __init__(self, spec: PolicySpec) -> None:
        super().__init__()
        self.spec = spec
        views, width = len(spec.cameras), spec.width
        self.text = make_reader(spec, TEXT)
        self.eyes = nn.ModuleDict(
            {
                c.name: CameraEncoder(
                    TEXT,
                    width // 2,
                    width,
                    FREE if c.frame == "tool" else 0,
                    spec.crop(c),
                    spec.shrink(c),
                )
                for c in spec.cameras
            }
        )
        self.place = Placing(spec, TEXT)
        carried = [c for c in spec.cameras if c.frame == "tool"]
        inputs = views * R * (1 + width + DETAIL) + R * (AWAY + 2) + READS * TEXT + HELD
        inputs += R + len(carried) * 2 * (R + FREE) + len(PAIRS) * TOLD
        self.away = Away(spec)
        self.between = Between(views)
        self.head = ChunkHead(spec, inputs, len(PAIRS), 6 * width, turns=R)

    def look(self, inputs: Inputs) -> Looked:
        """What the instruction names, where the cameras have it, and where that is in space."""
        read = self.text(inputs.tokens)
        views = {}
        for name, eye in self.eyes.items():
            # NHWC bytes seen as NCHW are channels_last already, which convolutions here prefer.
            pictures = inputs.images[name].permute(0, 3, 1, 2).float() / 127.5 - 1
            views[name] = eye(pictures, read)
        marks = self._marks(inputs, views)
        places = self.place(inputs, read[:, R], marks)
        details = [view.close.detail for view in views.values()]
        away = self.away(inputs, places)
        ways = self.between(away, details, list(marks.values()), held(inputs))
        return Looked(read, views, marks, places, self._quarters(inputs, views), ways)

    def _quarters(self, inputs: Inputs, views: Mapping[str, View]) -> Tensor:
        """What the cameras agree on of how the tool sees each role turned: [B, R, 2]."""
        quarters, weights = [], []
        for camera in self.spec.cameras:
            view = views[camera.name]
            told = view.close.quarter
            carried = camera.frame == "tool"
            quarters.append(told if carried else base_to_tool(told, inputs.turn))
            weights.append(view.close.firm.exp() * view.seen * view.sure)
        return agreed(quarters, weights)

    def _marks(self, inputs: Inputs, views: dict[str, View]) -> dict[str, Tensor]:
        """Camera -> where it has each role, in [-1, 1] over its whole picture, whether that is in
        the picture, and how sure the pointing is: [B, R, 4]."""
        marks = {}
        for camera in self.spec.cameras:
            view = views[camera.name]
            at = full_picture(camera, view.close.keypoints, inputs.offsets[camera.name])
            marks[camera.name] = torch.cat([at, torch.stack([view.seen, view.sure], -1)], -1)
        return marks

    def _features(
        self,
        inputs: Inputs,
        found: Looked,
        blur: Tensor | None = None,
        looked: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        away = self.away(inputs, found.places if blur is None else found.places + blur)
        ways = found.ways
        if blur is not None:
            exact = (1 - WAYS_BLUR) * nearness(ways)
            ways = ways + (1 - exact) * ways_of(blur * self.away.metres)
        parts = [found.read, told(away), found.quarters, found.known(), held(inputs)]
        parts.append(told_finely(ways))
        seen = []
        for camera in self.spec.cameras:
            view = found.views[camera.name]
            seen += [view.seen, view.pooled, view.close.detail]
            if camera.frame == "tool":
                free = full_picture(camera, view.free, inputs.offsets[camera.name])
                seen += [found.marks[camera.name][..., :2], free]
        flat = torch.cat([part.flatten(1) for part in seen], -1)
        parts.append(flat if looked is None else flat * looked[:, None])
        length = found.quarters.norm(dim=-1, keepdim=True)
        turns = lining_up(found.quarters) * length
        return torch.cat([part.flatten(1) for part in parts], -1), ways, turns

    def losses(self, inputs: Inputs, labels: Labels) -> dict[str, Tensor]:
        found = self.look(inputs)
        blur = labels.blur / self.away.metres
        features, anchors, turns = self._features(inputs, found, blur, labels.looked)
        terms = self.head.losses(features, anchors, labels, turns)
        terms |= self._seen(inputs, labels, found.views)
        terms["places"] = mean_of(
            self._apart(found.places, labels.positions), labels.named * labels.there
        )
        terms["between"] = BETWEEN * self._between(inputs, labels, found)
        if labels.imagined:
            guess = self.place(inputs, found.read[:, R], labels.imagined)
            apart = self._apart(guess, labels.imagined_positions)
            terms["imagined"] = mean_of(apart, labels.named)
        return terms

    def _seen(self, inputs: Inputs, labels: Labels, views: Mapping[str, View]) -> dict[str, Tensor]:
        """What the cameras are off by, at the first look and at the second."""
        heat, close, facing = [], [], []
        for camera in self.spec.cameras:
            name, view = camera.name, views[camera.name]
            stride = STRIDE * self.spec.shrink(camera)
            height, width = (n // stride for n in inputs.images[name].shape[1:3])
            shown = labels.pixels[name], labels.visible[name]
            target = heatmap_target(*shown, height, width, stride)
            logits = view.logits.flatten(0, 1)
            off = F.cross_entropy(logits, target.flatten(0, 1), reduction="none")
            heat.append(mean_of(off.view(labels.named.shape), labels.named))
            here = labels.named * (1 - target[..., 0])
            off, counted = missed(view.close, labels.pixels[name], here)
            close.append(mean_of(off, counted))
            if camera.frame == "tool":
                lined_up = labels.quarters[name][..., 0] > ALIGNED
                counted = counted * torch.where(lined_up, PLAIN, 1.0)
            facing.append(mean_of(doubted(view.close, labels.quarters[name]), counted))
        return {
            "pointing": POINTING * sum_of(heat),
            "closer": CLOSER * sum_of(close),
            "facing": FACING * sum_of(facing),
        }

    def _between(self, inputs: Inputs, labels: Labels, found: Looked) -> Tensor:
        """Smooth L1 of the ways between things that are near to each other, linear from EXACT on,
        in units of KNEE."""
        truth = ways_of(self.away(inputs, labels.positions))
        counted = both_of(labels.named * labels.there) * nearness(truth)[..., 0]
        off, nothing = (found.ways - truth) / KNEE, torch.zeros_like(truth)
        missed_by = F.smooth_l1_loss(off, nothing, beta=EXACT / KNEE, reduction="none")
        return mean_of(missed_by.mean(-1), counted)

    def _apart(self, places: Tensor, truth: Tensor) -> Tensor:
        """Smooth L1 between normalised positions [B, R, 3], linear from KNEE on: [B, R], in FAR."""
        off = (places - truth) * self.away.metres / FAR
        nothing = torch.zeros_like(off)
        return F.smooth_l1_loss(off, nothing, beta=KNEE / FAR, reduction="none").mean(-1)

    def forward(self, inputs: Inputs) -> Tensor:
        out: Tensor = self.head(*self._features(inputs, self.look(inputs)))
        return out


def full_picture(camera: RecordedCamera, pixels: Tensor, offset: Tensor) -> Tensor:
    """Pixels [B, N, 2] of the crop at `offset` [B, 2] -> [-1, 1] over the whole picture."""
    size = pixels.new_tensor([camera.width, camera.height])
    return (pixels + offset[:, None]) / size * 2 - 1


def missed(close: Closeup, pixels: Tensor, here: Tensor) -> tuple[Tensor, Tensor]:
    """By how much (pixels) a second look misses what is at pixels [B, R, 3], and whether it counts:
    it does where the thing is here [B, R] and within what was looked at. Both [B, R]."""
    at = torch.nan_to_num(pixels[..., :2])
    within = ((at - close.middle).abs() < close.reach).all(-1)
    off = F.smooth_l1_loss(close.keypoints, at, beta=0.5, reduction="none").mean(-1)
    return torch.where(within, off, 0.0), here * within


def doubted(close: Closeup, quarters: Tensor) -> Tensor:
    """How far off quarters [B, R, 2] are, squared, and how badly that is known: [B, R].

    Only the precision learns from the likelihood. If the quarter did, its slope would vanish where
    it is unsure, and it would stay so (Seitzer et al., "On the Pitfalls of Heteroscedastic
    Uncertainty Estimation with Probabilistic Neural Networks", 2022).
    """
    off = (close.quarter - quarters).square().sum(-1)
    return off + FIRM * (0.5 * close.firm.exp() * off.detach() + FIRMEST - close.firm)


def mean_of(values: Tensor, counted: Tensor) -> Tensor:
    """The mean of those values [B, R] that count."""
    return (values * counted).sum() / counted.sum().clamp_min(1.0)
