"""`robokiln looks`."""

from __future__ import annotations

from pathlib import Path

from robokiln.cli.progress import announce_compiling, closing_table
from robokiln.cli.settings import Configuration, cameras
from robokiln.serial import from_json


def main(configuration: Configuration, command: str) -> int:
    """Write the sheets."""
    from robokiln.frames import LookConfig
    from robokiln.report.looks import SheetConfig, looks
    from robokiln.scene.config import SceneConfig

    config = SheetConfig(
        task=configuration["task"]["name"],
        robot=configuration["robot"]["name"],
        cameras=cameras(configuration),
        look=from_json(LookConfig, configuration["look"], "look"),
        count=configuration["count"],
        columns=configuration["columns"],
        seed=configuration["seed"],
        antialias=configuration["antialias"],
        scene=from_json(SceneConfig, configuration["scene"], "scene"),
    )
    announce_compiling()
    files = looks(config, Path(configuration["out"]))
    closing_table([("made", str(file)) for file in files], "robokiln generate look=NAME")
    return 0
