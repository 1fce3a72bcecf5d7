"""Images: an encoder per camera that points at what the instruction names."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robokiln.policy.closer import Closer, Closeup
from robokiln.policy.roles import ROLES
from robokiln.policy.text import READS

STRIDE = 4
"""Pixels per cell of the heatmaps, of pictures as the first look takes them."""


@dataclass(frozen=True)
class View:
    """What an encoder makes of one camera; pixel coordinates are relative to the given pictures.

    logits [B, R, 1 + h * w], entry 0 for "not in the picture"; seen [B, R]; sure [B, R], the share
    of the heat that lies about the peak; pooled [B, R, width]; what a second look there finds;
    free keypoints [B, F, 2].
    """

    logits: Tensor
    seen: Tensor
    sure: Tensor
    pooled: Tensor
    close: Closeup
    free: Tensor


def _block(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    padding = 0 if kernel == stride else kernel // 2
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding),
        nn.GroupNorm(8, outputs),
        nn.GELU(),
    )


def cell_centers(height: int, width: int, stride: int, device: torch.device) -> Tensor:
    """Pixel x, y of the cells' centres, row by row: [height * width, 2]."""
    y, x = torch.meshgrid(
        torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij"
    )
    return (torch.stack([x, y], -1).reshape(-1, 2) + 0.5) * stride


def peak_weights(heat: Tensor, height: int, width: int, radius: int = 1) -> tuple[Tensor, Tensor]:
    """Probabilities [..., h * w] -> weights of the neighbourhood of the highest cell, sum 1, and
    what they summed to before.

    An expectation over the whole map would be drawn towards every distractor that keeps a few per
    cent; the neighbourhood still gives a position finer than a cell.
    """
    best = heat.argmax(-1, keepdim=True)
    cells = torch.arange(height * width, device=heat.device)
    near = ((cells // width - best // width).abs() <= radius) & (
        (cells % width - best % width).abs() <= radius
    )
    weights = heat * near
    whole = weights.sum(-1, keepdim=True)
    return weights / whole.clamp_min(1e-12), whole[..., 0]


def expected_pixels(weights: Tensor, height: int, width: int, stride: int) -> Tensor:
    """Weights of cells [..., h * w], sum 1 -> pixel x, y [..., 2], float32 in any precision."""
    # bfloat16 would round them to halves of a pixel from 64 on, and to whole ones from 128 on.
    with torch.autocast(weights.device.type, enabled=False):
        return weights.float() @ cell_centers(height, width, stride, weights.device)


class CameraEncoder(nn.Module):
    """Pictures [B, 3, H, W] in [-1, 1] and what was read [B, READS, text] -> View of the roles.

    Its first look takes `shrink` pixels for one each way, so that finer pictures cost little more.
    """

    def __init__(
        self,
        text: int,
        stem: int,
        width: int,
        free: int,
        height_width: tuple[int, int],
        shrink: int = 1,
    ) -> None:
        super().__init__()
        self.width, self.shrink = width, shrink
        self.stem = _block(3, stem, STRIDE, STRIDE)
        self.down = _block(stem, width, 3, 2)
        self.film = nn.Linear(READS * text, 2 * width)
        self.deep = nn.Sequential(_block(width, width, 3, 1), _block(width, width, 3, 1))
        self.lateral = nn.Conv2d(stem, width, 1)
        self.top = nn.Conv2d(width, width, 1)
        self.join = nn.GroupNorm(8, width)
        self.query = nn.Linear(text, width)
        self.absent = nn.Linear(text, 1)
        self.closer = Closer(text, width, height_width, shrink)
        self.free = nn.Conv2d(width, free, 1) if free else None
        nn.init.zeros_(self.film.weight)
        nn.init.zeros_(self.film.bias)

    def forward(self, pictures: Tensor, read: Tensor) -> View:
        roles = read[:, : len(ROLES)]
        small = F.avg_pool2d(pictures, self.shrink) if self.shrink > 1 else pictures
        fine = self.stem(small)
        scale, shift = self.film(read.flatten(1))[..., None, None].chunk(2, 1)
        deep = self.deep(self.down(fine) * (1 + scale) + shift)
        up = F.interpolate(self.top(deep), scale_factor=2.0, mode="nearest")
        joined = F.gelu(self.join(self.lateral(fine) + up))
        height, width = joined.shape[-2:]
        cells = joined.flatten(2).transpose(1, 2)
        heat_logits = self.query(roles) @ cells.transpose(1, 2) * self.width**-0.5
        logits = torch.cat([self.absent(roles), heat_logits], -1)
        weights, sure = peak_weights(heat_logits.softmax(-1), height, width)
        peak = expected_pixels(weights, height, width, STRIDE * self.shrink)
        return View(
            logits,
            1 - logits.softmax(-1)[..., 0],
            sure,
            weights @ cells,
            self.closer(pictures, peak, roles),
            self._free_keypoints(deep),
        )

    def _free_keypoints(self, deep: Tensor) -> Tensor:
        """Spatial softmax (Finn et al., "Deep Spatial Autoencoders", 2016)."""
        if self.free is None:
            return deep.new_zeros(len(deep), 0, 2)
        heat = self.free(deep).flatten(2).softmax(-1)
        height, width = deep.shape[-2:]
        return expected_pixels(heat, height, width, 2 * STRIDE * self.shrink)


def heatmap_target(
    pixels: Tensor, visible: Tensor, height: int, width: int, stride: int = STRIDE
) -> Tensor:
    """Where things are, pixel x, y and depth [..., 3], and whether they can be seen there [...] ->
    the label for `View.logits`.

    Spread over the four nearest cells so that its expectation is the exact position; entry 0 where
    something else hides it, or where the point lies outside the picture of `height` by `width`
    cells of `stride` pixels or behind the camera.
    """
    size = torch.tensor([width, height], device=pixels.device)
    xy = pixels[..., :2] / stride
    inside = ((xy >= 0) & (xy < size)).all(-1) & (pixels[..., 2] > 0) & (visible > 0)
    xy = torch.nan_to_num(xy - 0.5).clamp_min(0).minimum((size - 1).to(xy.dtype))
    corner = xy.floor().minimum((size - 2).to(xy.dtype))
    part = xy - corner
    label = pixels.new_zeros(*pixels.shape[:-1], 1 + height * width)
    for dy in (0, 1):
        for dx in (0, 1):
            weight = (part[..., 0] - (1 - dx)).abs() * (part[..., 1] - (1 - dy)).abs()
            cell = (corner[..., 1] + dy) * width + corner[..., 0] + dx
            label.scatter_add_(-1, cell.long()[..., None] + 1, (weight * inside)[..., None])
    label[..., 0] = (~inside).to(label.dtype)
    return label
