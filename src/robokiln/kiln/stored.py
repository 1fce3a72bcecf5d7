"""A published dataset as a source of motions: what `rerender` has instead of a simulation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from robokiln import dataset
from robokiln.dataset import CHECKSUMS, Dataset
from robokiln.files import file_hash
from robokiln.kiln.columns import features
from robokiln.kiln.motion import Motion
from robokiln.kiln.plan import FOLDER, Origin, Plan, read_plan
from robokiln.scene import robots
from robokiln.serial import from_json, parse_json
from robokiln.types import Look, Outcome, RobokilnError, SceneSpec

LINEAGE = "lineage"
"""Below the provenance: the plans of a dataset's ancestors, the oldest first."""


@dataclass(frozen=True)
class Source:
    """A dataset of ours, open for its motions: one a slot, whatever its looks."""

    data: Dataset
    plan: Plan

    @property
    def root(self) -> Path:
        """The dataset's directory."""
        return self.data.info.root

    def motion(self, slot: int) -> Motion:
        """The slot's motion, bit for bit as it was published."""
        episode = slot * self.plan.looks_per_episode
        scene, stored = self._scene(slot), self.data.labels(episode)
        return Motion(
            spec=from_json(SceneSpec, scene["spec"]),
            outcome=from_json(Outcome, scene["outcome"]),
            columns={n: v for n, v in self.data.rows(episode).items() if n in _columns(self.plan)},
            link_poses=stored.link_poses(),
            contacts=stored.contacts(),
        )

    def refusals(self, slot: int) -> list[str]:
        """Why earlier attempts at the slot were refused."""
        path = self.root / FOLDER / "refusals.jsonl"
        lines = path.read_text().splitlines()
        try:
            rows = [(r["slot"], r["attempt"], str(r["reason"])) for r in map(parse_json, lines)]
        except (ValueError, KeyError, TypeError):
            raise RobokilnError(f"{path}: not the refusals of a dataset") from None
        return [reason for where, _, reason in sorted(rows) if where == slot]

    def look(self, slot: int, index: int) -> Look | None:
        """The index-th look that the slot was rendered in, if there were so many."""
        if index >= self.plan.looks_per_episode:
            return None
        row = dataset.read_json_line(
            self.root / FOLDER / "looks.jsonl", slot * self.plan.looks_per_episode + index
        )
        return from_json(Look, row["appearance"])

    def _scene(self, slot: int) -> dict[str, Any]:
        path = self.root / FOLDER / "scenes.jsonl"
        row = dataset.read_json_line(path, slot * self.plan.looks_per_episode)
        if (row.get("slot"), row.get("look")) != (slot, 0):
            raise RobokilnError(f"{path}: expected slot {slot}, got {row.get('slot')}")
        return row


def open_source(root: Path) -> Source:
    """The dataset, checked for all that another rendering needs; RobokilnError says what lacks."""
    data = dataset.open(root, chunk=1, cameras=(), columns=())
    provenance = root / FOLDER
    needed = [provenance / name for name in ("plan.json", "scenes.jsonl", "looks.jsonl")]
    for path in needed:
        if not path.is_file():
            raise RobokilnError(
                f"{root}: can't be rendered again: {path.relative_to(root)} is missing, so it was "
                "not made by `robokiln generate` or `robokiln rerender`"
            )
    if "motion" not in data.recorded:
        raise RobokilnError(
            f"{root}: can't be rendered again: it has no link poses (labels/motion); it was made "
            "before robokiln kept them: `robokiln generate plan=DATASET/meta/robokiln/plan.json` "
            "makes it again"
        )
    plan = read_plan(needed[0])
    found = {f.name for f in data.info.features if f.dtype != "video"}
    missing = sorted(_columns(plan) - found)
    if missing:
        raise RobokilnError(f"{root}: made by another robokiln: lacks {', '.join(missing)}")
    if data.info.episodes != plan.episodes * plan.looks_per_episode:
        raise RobokilnError(f"{needed[0]}: not the plan of {data.info.episodes} episodes")
    return Source(data, plan)


def origin_of(root: Path) -> Origin:
    """Which dataset this is, after a check of every byte that another rendering reads."""
    dataset.verify_checksums(root, unread="videos")
    return Origin(file_hash(root / CHECKSUMS))


def again(source: Source, plan: Plan) -> Plan:
    """`plan` as one that renders the source's motions, of which it may take the first ones."""
    if plan.episodes > source.plan.episodes:
        raise RobokilnError(
            f"episodes: expected at most {source.plan.episodes}, what {source.root} has, "
            f"got {plan.episodes}"
        )
    return replace(plan, origin=origin_of(source.root))


def ancestors(root: Path) -> list[Path]:
    """Plans of a dataset and of those that it was rendered from, the oldest first."""
    provenance = root / FOLDER
    return [*sorted((provenance / LINEAGE).glob("*.json")), provenance / "plan.json"]


def _columns(plan: Plan) -> set[str]:
    declared = features(robots.get(plan.robot), plan.cameras)
    return {f.name for f in declared if f.dtype != "video"}
