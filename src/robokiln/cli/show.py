"""`robokiln show`."""

from __future__ import annotations

from pathlib import Path

from robokiln.cli.compose import require
from robokiln.cli.progress import closing_table
from robokiln.cli.settings import Configuration


def main(configuration: Configuration, command: str) -> int:
    """Write a contact sheet and sample videos."""
    require(configuration, "show", "dataset")
    from robokiln.report.show import show

    root, out = Path(configuration["dataset"]), Path(configuration["out"])
    counts = {name: configuration[name] for name in ("episodes", "columns", "videos")}
    beside = None if configuration["beside"] is None else Path(configuration["beside"])
    files = show(root, out, **counts, beside=beside)
    closing_table([("made", str(f)) for f in files], f"robokiln train dataset={root}")
    return 0
