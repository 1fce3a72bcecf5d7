"""What a report page is made from: plain facts, gathered by whoever ran the stages.

    facts = ReportFacts(
        title="robokiln quickstart",
        commands=("robokiln run recipe=quickstart",),
        seconds={"generate": 231.4, "train_image": 480.2, "evaluate": 143.0},
        bytes={"dataset": 48_123_456, "policy_image": 5_723_112},
        generation=Generation(attempts=309, accepted=300, refused={"step limit": 9},
                              episodes=300, frames=29_881),
        training=(Training("image policy", out / "policy_image", {"parameters": "1.4 M"}),),
        evaluation=evaluate.read(out / "evaluation"),
        evaluation_dir=out / "evaluation",       # its films become the page's videos
        robustness=robustness.read(out / "robustness"),
        robustness_dir=out / "robustness",       # its contact sheet
        dataset=out / "generate" / "dataset",    # for the contact sheet and the sample videos
        versions={"python": "3.11.7", "robokiln": "0.1.0", "numpy": "2.3.1"},
        seeds={"generation": 0, "training": 0, "evaluation": 0},
    )
    html, json = write_report(out, facts)        # out/report.html, out/report.json

Every part may be absent: a page of a dataset alone has no training and no evaluation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from robokiln.report.evaluate import Evaluation
from robokiln.report.robustness import Robustness


@dataclass(frozen=True)
class Generation:
    """`attempts` = `accepted` + the sum of `refused` (reason -> count).

    `episodes` and `frames` are those of the dataset: `accepted` times the looks of each. Slots
    that were given up are `quarantined`.
    """

    attempts: int
    accepted: int
    refused: Mapping[str, int]
    episodes: int
    frames: int
    quarantined: int = 0


@dataclass(frozen=True)
class Training:
    """A policy's run: its directory (loss.png, train_log.jsonl, policy.json) and its facts.

    `facts` are shown as they are, for instance {"parameters": "1.4 M", "steps": "6,000"}.
    """

    name: str
    directory: Path
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ReportFacts:
    """See the top of this file. `seconds` by stage, `bytes` by what was made, in order."""

    title: str
    commands: tuple[str, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)
    bytes: Mapping[str, int] = field(default_factory=dict)
    generation: Generation | None = None
    training: tuple[Training, ...] = ()
    evaluation: Evaluation | None = None
    evaluation_dir: Path | None = None
    robustness: Robustness | None = None
    robustness_dir: Path | None = None
    dataset: Path | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    seeds: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
