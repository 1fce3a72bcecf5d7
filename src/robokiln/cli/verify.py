"""`robokiln verify`."""

from __future__ import annotations

import sys
from pathlib import Path

from robokiln.cli.codes import FAILED
from robokiln.cli.compose import require
from robokiln.cli.progress import ProgressLine, closing_table
from robokiln.cli.settings import Configuration, execution, optional_path
from robokiln.kiln import LEVELS, verify
from robokiln.types import lookup

SHOWN = 20


def main(configuration: Configuration, command: str) -> int:
    """Say what is wrong with a run or a dataset; 0 if nothing is, else 1."""
    require(configuration, "verify", "dataset")
    where, level = Path(configuration["dataset"]), configuration["level"]
    lookup("level", level, LEVELS)
    lines: dict[str, ProgressLine] = {}

    def say(what: str, done: int, total: int) -> None:
        lines.setdefault(what, ProgressLine(f"verify {what}")).update(done, total)

    source = optional_path(configuration["source"])
    found = verify(where, level, configuration["replay"], execution(configuration), source, say)
    if found.problems:
        print(f"robokiln: {where}: {len(found.problems)} problems", file=sys.stderr)
        for problem in found.problems[:SHOWN]:
            print(f"  {problem}", file=sys.stderr)
        if len(found.problems) > SHOWN:
            print(f"  ... and {len(found.problems) - SHOWN} more", file=sys.stderr)
        print(f"\nNext: robokiln repair {where}", file=sys.stderr)
        return FAILED
    dataset = str(found.place.dataset) if found.place.published else "not yet published"
    rows = [("dataset", dataset), ("episodes", str(found.episodes)), ("checked", LEVELS[level])]
    rows += [("units", f"{found.units}, whole")] if found.place.run else []
    rows += [("made again", f"{found.replayed}, the same bytes")] if found.replayed else []
    closing_table(rows, f"robokiln info {where}")
    return 0
