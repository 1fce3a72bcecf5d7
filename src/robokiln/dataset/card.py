"""The dataset card: README.md with the hub's YAML header, filled from facts alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from robokiln.dataset.layout import CARD, DatasetError
from robokiln.files import write_file
from robokiln.types import Feature


@dataclass(frozen=True)
class CardFacts:
    """Everything that the card says of one dataset.

    `refusals` counts attempts that failed, by reason; `assets` gives each asset's licence;
    `commands` make the dataset again; `gaps` are sentences about what it can't be trusted for;
    `labels` says what each table in labels/ holds; `origins` are the SHA-256 of the SHA256SUMS of
    the datasets that it was rendered from, the oldest first; `tables` are further sections, head
    first; `figures` are pictures in the dataset by their titles.
    """

    title: str
    task: str
    robot: str
    instructions: Sequence[str]
    episodes: int
    frames: int
    fps: int
    looks: int
    attempts: int
    refusals: Mapping[str, int]
    features: Sequence[Feature]
    assets: Mapping[str, str]
    commands: Sequence[str]
    gaps: Sequence[str]
    labels: Mapping[str, str] = field(default_factory=dict)
    origins: Sequence[str] = ()
    tables: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    figures: Mapping[str, str] = field(default_factory=dict)
    license: str = "apache-2.0"


_SEAL = "<!-- sha256 of the text above:"

_HEADER = """\
---
license: {license}
task_categories:
- robotics
tags:
- LeRobot
- robokiln
- simulation
configs:
- config_name: default
  data_files: data/*/*.parquet
---
"""


def write_card(root: Path, facts: CardFacts) -> None:
    """Write README.md; it belongs before the checksums, and counts every file but these two."""
    if not re.fullmatch(r"[a-z0-9.\-]+", facts.license):
        raise DatasetError(f"license '{facts.license}': expected an identifier like 'apache-2.0'")
    text = _card(facts, _sizes(root))
    write_file(root / CARD, f"{text}{_seal(text)}".encode())


def card_body(root: Path) -> str:
    """The card without its seal, "" where there is none that is intact."""
    if not card_is_intact(root):
        return ""
    text = (root / CARD).read_text(encoding="utf-8")
    return text[: text.rfind(_SEAL)]


def card_is_intact(root: Path) -> bool:
    """Whether the card is there, and is as it was written."""
    try:
        text = (root / CARD).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    body = text[: text.rfind(_SEAL)]
    return text == f"{body}{_seal(body)}"


def _seal(text: str) -> str:
    return f"{_SEAL} {hashlib.sha256(text.encode()).hexdigest()} -->\n"


def _card(facts: CardFacts, sizes: Mapping[str, int]) -> str:
    seconds = facts.frames / facts.fps
    accepted = facts.attempts - sum(facts.refusals.values())
    commands = "\n".join(facts.commands)
    sections = [
        _HEADER.format(license=facts.license) + f"\n# {_text(facts.title)}",
        "Simulated demonstrations in the LeRobotDataset v3.0 format, made by robokiln.",
        _table(
            ("", ""),
            [
                ("task", facts.task),
                ("robot", facts.robot),
                ("episodes", f"{facts.episodes}"),
                ("frames", f"{facts.frames} ({seconds / 60:.1f} minutes at {facts.fps} Hz)"),
                ("looks of each demonstration", f"{facts.looks}"),
                ("size", f"{sum(sizes.values()) / 1e6:.1f} MB"),
            ],
        ),
        "## Instructions\n\n" + _list(sorted(facts.instructions)),
        "## Columns\n\n"
        + _table(
            ("name", "type", "shape", "unit"),
            [(f"`{f.name}`", f.dtype, f"{list(f.shape)}", f.unit) for f in facts.features],
        ),
        *_labels(facts.labels),
        "`action` is the expert's clean action even where noise was added to the executed one. "
        "`privileged.*` holds simulator state that a real robot doesn't have.",
        f"## Yield\n\n{accepted} of {facts.attempts} simulated attempts were accepted "
        f"({accepted / max(facts.attempts, 1):.1%}).",
    ]
    if facts.refusals:
        counts = sorted(facts.refusals.items(), key=lambda item: (-item[1], item[0]))
        sections.append(_table(("refused because", "attempts"), [(k, f"{n}") for k, n in counts]))
    sections += _lineage(facts.origins)
    sections += [f"## {title}\n\n![{title}]({path})" for title, path in facts.figures.items()]
    sections += [f"## {title}\n\n{_table(t[0], t[1:])}" for title, t in facts.tables.items()]
    sections += [
        "## Files\n\n"
        + _table(("folder", "MB"), [(f"`{k}`", f"{n / 1e6:.2f}") for k, n in sizes.items()]),
        "## Assets\n\n" + _table(("asset", "licence"), sorted(facts.assets.items())),
        f"## Make it again\n\n```sh\n{commands}\n```\n\n"
        "The same commands give the same bytes on the same environment; "
        "`sha256sum -c SHA256SUMS` checks a copy.",
        "## Known gaps\n\n" + _list(facts.gaps),
    ]
    return "\n\n".join(sections) + "\n"


def _labels(labels: Mapping[str, str]) -> list[str]:
    """What lies beside the format's own tables, and how to read it."""
    if not labels:
        return []
    rows = [(f"`labels/{name}`", text) for name, text in labels.items()]
    reader = "`robokiln.dataset.open(path).labels(episode)` reads these Parquet files, by episode:"
    return [reader, _table(("table", "a row a frame, or a row a box"), rows)]


def _lineage(origins: Sequence[str]) -> list[str]:
    if not origins:
        return []
    steps = [(f"{i}", f"`{digest}`") for i, digest in enumerate(origins)]
    return [
        "## Lineage\n\nNothing was simulated for this dataset: the motions of another one were "
        "rendered again. Its ancestors, the oldest first, with their plans in "
        "`meta/robokiln/lineage/`:",
        _table(("ancestor", "SHA-256 of its SHA256SUMS"), steps),
    ]


def _sizes(root: Path) -> dict[str, int]:
    """Bytes of each top folder; README.md and SHA256SUMS stand outside."""
    folders = sorted(p for p in root.iterdir() if p.is_dir())
    return {
        f"{f.name}/": sum(p.stat().st_size for p in f.rglob("*") if p.is_file()) for f in folders
    }


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_text(cell) for cell in line)} |" for line in lines)


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {_text(line)}" for line in lines)


def _text(value: str) -> str:
    """One line of Markdown that can't break a table or become HTML."""
    return " ".join(value.split()).replace("|", "\\|").replace("<", "&lt;")
