"""`robokiln info`."""

from __future__ import annotations

from pathlib import Path

from robokiln.cli.compose import require
from robokiln.cli.progress import closing_table
from robokiln.cli.settings import Configuration
from robokiln.kiln import describe


def main(configuration: Configuration, command: str) -> int:
    """What a run directory or a dataset holds."""
    require(configuration, "info", "dataset")
    where = configuration["dataset"]
    closing_table(describe(Path(where)), f"robokiln verify {where}")
    return 0
