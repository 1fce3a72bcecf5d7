"""A second look, at the pixels about where an encoder points: exactly where, and how turned."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIZE = 24
"""Pixels of both sides of what is looked at again, as the first look counts them."""
DETAIL = 32
"""Channels of what it tells the head besides."""
FIRMEST = 6.0
"""The most that the logarithm of a facing's precision may be: 2.9 degrees."""


@dataclass(frozen=True)
class Closeup:
    """keypoints [B, R, 2], pixels; middle [B, R, 2] of what was looked at, and its half side;
    quarter [B, R, 2], see `facing`, and firm [B, R], the logarithm of its precision; detail
    [B, R, DETAIL]."""

    keypoints: Tensor
    middle: Tensor
    reach: float
    quarter: Tensor
    firm: Tensor
    detail: Tensor


class Closer(nn.Module):
    """Pictures [B, 3, H, W] in [-1, 1], pixels [B, R, 2] and what was read [B, R, text].

    Where the first look takes `shrink` pixels for one, this one takes each for itself.
    """

    def __init__(self, text: int, width: int, height_width: tuple[int, int], shrink: int) -> None:
        super().__init__()
        least = min(SIZE, *(n // shrink for n in height_width))
        self.shrink, self.side = shrink, least * shrink
        layers: list[nn.Module] = []
        if shrink > 1:
            layers = [
                nn.Conv2d(3, 16, 2 * shrink + 1, shrink, shrink),
                nn.GroupNorm(8, 16),
                nn.GELU(),
            ]
        layers += [nn.Conv2d(16 if layers else 3, 32, 5, 2, 2), nn.GroupNorm(8, 32), nn.GELU()]
        self.enter = nn.Sequential(*layers)
        self.deeper = nn.Sequential(nn.Conv2d(32, width, 3, 2, 1), nn.GroupNorm(8, width))
        self.film = nn.Linear(text, 2 * width)
        self.again = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1), nn.GroupNorm(8, width))
        cells = (least - 1) // 4 + 1
        self.flat = nn.Linear(width * cells**2 + 2, 2 * width)
        self.leave = nn.Linear(2 * width, 5 + DETAIL)

    def forward(self, pictures: Tensor, pixels: Tensor, read: Tensor) -> Closeup:
        crops, middle = crops_about(pictures, pixels.detach(), self.side)
        size = pictures.new_tensor([pictures.shape[3], pictures.shape[2]])
        scale, shift = self.film(read.flatten(0, 1))[..., None, None].chunk(2, 1)
        x = F.gelu(self.deeper(self.enter(crops.flatten(0, 1))) * (1 + scale) + shift)
        x = F.gelu(self.again(x)).view(*read.shape[:2], -1)
        x = F.gelu(self.flat(torch.cat([x, middle / size * 2 - 1], -1)))
        out = self.leave(x).float()  # bfloat16 would round pixels
        firm = FIRMEST - F.softplus(FIRMEST - out[..., 4])
        keypoints = middle + 4 * self.shrink * out[..., :2]
        reach = self.side / 2
        return Closeup(keypoints, middle, reach, out[..., 2:4], firm, out[..., 5:])


def crops_about(pictures: Tensor, pixels: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Whole-pixel crops of pictures [B, C, H, W] about pixels [B, R, 2], moved inwards at borders:
    [B, R, C, side, side], and their middles [B, R, 2]."""
    batch, channels, height, width = pictures.shape
    room = pixels.new_tensor([width - side, height - side])
    corner = (pixels - side / 2).round().clamp_min(0).minimum(room)
    left, top = corner.long().unbind(-1)
    steps = torch.arange(side, device=pictures.device)
    rows = (top[..., None] + steps)[..., :, None] * width
    index = (rows + (left[..., None] + steps)[..., None, :]).flatten(2)
    index = index[:, None].expand(-1, channels, -1, -1).flatten(2)
    cut = pictures.flatten(2).gather(2, index)
    cut = cut.view(batch, channels, pixels.shape[1], side, side).transpose(1, 2)
    return cut, corner + side / 2
