"""`robokiln assets`."""

from __future__ import annotations

from pathlib import Path

from robokiln.cli.progress import announce_compiling, closing_table
from robokiln.cli.settings import Configuration
from robokiln.serial import from_json


def main(configuration: Configuration, command: str) -> int:
    """Print the families, and write a picture of their members."""
    from robokiln.frames import LookConfig
    from robokiln.report.assets import HEADINGS, AssetSheetConfig, assets, family_table

    names = ("count", "columns", "seed", "image_size", "antialias")
    config = AssetSheetConfig(
        look=from_json(LookConfig, configuration["look"], "look"),
        **{name: configuration[name] for name in names},
    )
    announce_compiling()
    file = assets(config, Path(configuration["out"]))
    rows = [HEADINGS, *family_table()]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADINGS) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print("  ".join([*cells, row[-1]]).rstrip())
    closing_table([("made", str(file))], "robokiln generate task=NAME")
    return 0
