"""`robokiln merge`."""

from __future__ import annotations

from pathlib import Path

from robokiln.cli.compose import require
from robokiln.cli.progress import ProgressLine, closing_table
from robokiln.cli.settings import Configuration
from robokiln.kiln import merge


def main(configuration: Configuration, command: str) -> int:
    """One dataset of several runs."""
    require(configuration, "merge", "datasets", "out")
    lines: dict[str, ProgressLine] = {}

    def say(what: str, done: int, total: int) -> None:
        lines.setdefault(what, ProgressLine(what)).update(done, total)

    sources = [Path(text) for text in configuration["datasets"]]
    found = merge(sources, Path(configuration["out"]), say)
    if found.already_complete:
        print(f"{configuration['out']} is already complete; checked, nothing to do.")
    rows = [("dataset", str(found.dataset))]
    rows += [("from", f"{name}: {count} units") for name, count in found.units.items()]
    closing_table(rows, f"robokiln verify {found.dataset}")
    return 0
