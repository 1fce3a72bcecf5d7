"""How tests render two demonstrations again, in other pictures or with labels."""

import dataclasses
from pathlib import Path

from robokiln.geometry import look_at
from robokiln.kiln import again, generate, open_source
from robokiln.types import Camera
from robokiln.workers import Execution

FRONT = Camera("front", 64, 48, 42.0, look_at((0.98, 0.0, 0.8), (0.44, 0.0, 0.02)))
WRIST = Camera("wrist", 48, 48, 75.0, (0.07, 0.0, 0.03, 0.0, 0.2, 0.0, 0.98), "panda_hand")
LABELS = ("depth", "segmentation", "boxes")


def rerender(root: Path, out: Path, **changes: object) -> Path:
    """`root` in other pictures."""
    source = open_source(root)
    plan = again(source, dataclasses.replace(source.plan, **changes))  # type: ignore[arg-type]
    made = generate(plan, out, Execution(), source=root).dataset
    assert made is not None
    return made
