"""The way from one thing to another where they meet, closer than each one's place is known."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from robokiln.policy.closer import DETAIL
from robokiln.policy.models.tool import AWAY, HELD, told
from robokiln.policy.roles import ROLES

TOOL = len(ROLES)
"""What comes after the roles: the tool itself, from which all places are told."""
PAIRS = (
    *((TOOL, i) for i in range(len(ROLES))),
    *((ROLES.index(a), ROLES.index(b)) for a, b in (("target", "goal"), ("top", "target"))),
)
"""What is brought to what."""
FINELY = 0.005
"""Metres below which a distance is told finely; a correction is at most twice that."""
NEAR, FADE = 0.10, 0.03
"""Metres between two things up to which what the second look shows corrects how far they are apart,
and within which that then ends: farther off there is nothing to see of the one beside the other."""
TOLD = AWAY + 3
ONES, OTHERS = ([pair[i] for pair in PAIRS] for i in (0, 1))


class Between(nn.Module):
    """The way [B, PAIRS, 3] (m) from each pair's one thing to the other, as the tool sees it.

    Places come from where cameras point, which says little of how far along a ray things are, and
    each is off by a millimetre or two. Where two things meet, their pictures say more: how large
    they are, and the gap between a peg's edges and its hole's. So what the second look tells of
    both corrects the difference of their places.
    """

    def __init__(self, views: int) -> None:
        super().__init__()
        inputs = len(PAIRS) + views * (2 * DETAIL + 8) + 2 * AWAY + HELD
        self.learned = nn.Sequential(
            nn.Linear(inputs, 128), nn.GELU(), nn.Linear(128, 64), nn.GELU(), nn.Linear(64, 3)
        )
        for weights in self.learned[-1].parameters():  # no correction before there is a reason
            nn.init.zeros_(weights)

    def forward(
        self, away: Tensor, details: Sequence[Tensor], marks: Sequence[Tensor], held: Tensor
    ) -> Tensor:
        """away [B, R, 3] (m), as the tool sees it; details [B, R, DETAIL] and marks [B, R, 4] of
        each camera; held [B, HELD]."""
        ways = ways_of(away)
        which = torch.eye(len(PAIRS), dtype=away.dtype, device=away.device)
        parts = [which.expand(len(away), -1, -1), held[:, None].expand(-1, len(PAIRS), -1)]
        for values in (told(away), *details, *marks):
            both = with_tool(values)
            parts += [both[:, ONES], both[:, OTHERS]]
        off = 2 * FINELY * self.learned(torch.cat(parts, -1)).float().tanh()
        return ways + off * nearness(ways)


def with_tool(values: Tensor, filled: float = 0.0) -> Tensor:
    """Values [B, R, ...] of the roles, and of the tool: [B, R + 1, ...]."""
    return torch.cat([values, torch.full_like(values[:, :1], filled)], 1)


def ways_of(away: Tensor) -> Tensor:
    """Differences [B, PAIRS, 3] of the roles' positions [B, R, 3], the tool's being zero."""
    there = with_tool(away)
    return there[:, OTHERS] - there[:, ONES]


def both_of(counted: Tensor) -> Tensor:
    """Whether both of each pair count [B, PAIRS], of roles [B, R] that do; the tool always does."""
    each = with_tool(counted, 1.0)
    return each[:, OTHERS] * each[:, ONES]


def nearness(ways: Tensor) -> Tensor:
    """How much a correction of ways [..., 3] (m) counts: [..., 1], 1 to NEAR, 0 from FADE later."""
    return ((NEAR + FADE - ways.norm(dim=-1, keepdim=True)) / FADE).clamp(0, 1)


def told_finely(ways: Tensor) -> Tensor:
    """Ways [B, PAIRS, 3] (m), for a network to read: [B, PAIRS, TOLD]."""
    return torch.cat([told(ways), (ways / FINELY).tanh()], -1)
