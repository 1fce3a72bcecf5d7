"""What a user points at: a run directory, or a dataset that may lie in one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from robokiln.dataset import INFO
from robokiln.types import RobokilnError


@dataclass(frozen=True)
class Place:
    """`run` has units, plan and lock; None where a dataset stands alone. `dataset` is where the
    dataset lies, or will."""

    run: Path | None
    dataset: Path

    @property
    def published(self) -> bool:
        """Whether the dataset is there."""
        return self.dataset.is_dir()


def locate(where: Path) -> Place:
    """The run and the dataset that a directory is; RobokilnError if it is neither."""
    if _is_run(where):
        return Place(where, where / "dataset")
    if (where / "meta").is_dir() or (where / INFO).exists():
        parent = where.resolve().parent
        inside = where.resolve().name == "dataset" and _is_run(parent)
        return Place(parent if inside else None, where)
    if not where.exists():
        raise RobokilnError(f"{where}: no such directory")
    raise RobokilnError(
        f"{where}: neither a run directory (plan.json, units/) nor a dataset ({INFO})"
    )


def _is_run(where: Path) -> bool:
    return (where / "units").is_dir() and (where / ".lock").exists()
