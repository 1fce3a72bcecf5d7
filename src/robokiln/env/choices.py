"""Names of files in configs/ as what they say, without the command line's machinery."""

from __future__ import annotations

from typing import Any

import yaml

from robokiln.files import config_directory
from robokiln.serial import overlaid
from robokiln.types import lookup


def read_choice(group: str, name: str) -> dict[str, Any]:
    """What configs/GROUP/NAME.yaml says, on top of those files of the group that it builds upon."""
    files = {path.stem: path for path in (config_directory() / group).glob("*.yaml")}
    own = dict(yaml.safe_load(lookup(group, name, files).read_text()))
    below = [base for base in own.pop("defaults", []) if base != "_self_"]
    merged: dict[str, Any] = {}
    for layer in (*(read_choice(group, base) for base in below), own):
        merged = overlaid(merged, layer)
    return merged
