"""Quarters (see `policy.facing`) in PyTorch, without an angle: those have a seam."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

LEAST = 1e-3
"""A length below which its direction has no useful slope."""
SEAM = 1e-5
"""The least square of half an angle's cosine: at its seam a half angle is off by 0.2 degrees."""


def base_to_tool(quarters: Tensor, turn: Tensor) -> Tensor:
    """Quarters [B, R, 2] about the base's z -> about the tool's z, of rotation turn [B, 3, 3]: what
    `facing.seen_by_tool` does to the axes themselves."""
    flat = torch.cat([angle_of(quarters), torch.zeros_like(quarters[..., :1])], -1)
    seen = _unit((flat @ turn)[..., :2])
    return _doubled(_doubled(seen))


def angle_of(quarters: Tensor) -> Tensor:
    """Quarters [..., 2] -> cosine and sine of the angle itself, which is at most an eighth of a
    turn: [..., 2]."""
    return _halved(_halved(_unit(quarters)))


def lining_up(quarters: Tensor) -> Tensor:
    """What is to be added to the two rotation columns of no rotation so that a tool which sees such
    quarters [..., 2] is lined up with the thing: [..., 6]."""
    cosine, sine = angle_of(quarters).unbind(-1)
    less, flat = cosine - 1, torch.zeros_like(cosine)
    return torch.stack([less, sine, flat, -sine, less, flat], -1)


def agreed(quarters: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    """One quarter from those of several cameras [B, R, 2], weighted [B, R]; shorter than 1 by the
    weight of knowing nothing."""
    total = torch.stack(list(weights)).sum(0)[..., None]
    pairs = zip(quarters, weights, strict=True)
    told = torch.stack([_unit(q) * w[..., None] for q, w in pairs]).sum(0)
    return told / (1 + total)


def _unit(vector: Tensor) -> Tensor:
    return vector / (vector.square().sum(-1, keepdim=True) + LEAST**2).sqrt()


def _doubled(pair: Tensor) -> Tensor:
    cosine, sine = pair.unbind(-1)
    return torch.stack([cosine.square() - sine.square(), 2 * cosine * sine], -1)


def _halved(pair: Tensor) -> Tensor:
    """Of an angle within half a turn: its half, within a quarter."""
    cosine, sine = pair.unbind(-1)
    half = ((1 + cosine) / 2).clamp_min(SEAM).sqrt()
    return torch.stack([half, sine / (2 * half)], -1)
