"""Policies as actors for stages that never import torch: what crosses to a worker is a path."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from robokiln.types import Actor

if TYPE_CHECKING:
    from robokiln.deploy import Policy


@dataclass(frozen=True)
class ActorOf:
    """Makes fresh actors of the policy in a directory, which is loaded once a process."""

    directory: Path

    def __call__(self) -> Actor:
        from robokiln.deploy import PolicyActor

        return PolicyActor(_loaded(self.directory))


@cache
def _loaded(directory: Path) -> Policy:
    from robokiln.policy import load

    return load(directory, device="cpu", threads=1)
