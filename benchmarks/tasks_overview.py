"""One demonstration of every task as a picture: its beginning, its middle and its end.

python benchmarks/tasks_overview.py --out docs/images/tasks.png
"""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from robokiln.cli.compose import choices, compose
from robokiln.cli.settings import generation_plan
from robokiln.kiln.unit import simulate
from robokiln.types import Array
from tasks_sheets import Picture, drawn

TILE, COLUMNS, CAPTION, GAP = 144, 3, 34, 8
LETTERS = 72
"""Of a caption's line."""
MOMENTS = (0.0, 0.5, 1.0)
"""Shares of a demonstration after which it is shown."""


def strip(task: str, robot: str) -> tuple[str, Array]:
    """The instruction, and the moments beside each other: uint8 [TILE, 3 TILE, 3]."""
    plan = generation_plan(compose("generate", [f"task={task}", f"robot={robot}", "look=plain"]))
    for slot in range(20):
        episode = simulate(plan, slot, 0)
        if episode.outcome.success:
            steps = [round(share * (len(episode) - 1)) for share in MOMENTS]
            job = Picture(plan, slot)
            frames = drawn(episode, job, TILE, steps)
            return f"{task}: {episode.spec.instruction}", np.concatenate(list(frames), axis=1)
    raise SystemExit(f"{task}: no success in 20 slots")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("docs/images/tasks.png"))
    parser.add_argument("--robot", default="panda")
    parser.add_argument("--task", nargs="+", default=choices("task"))
    options = parser.parse_args()
    rows = -(-len(options.task) // COLUMNS)
    wide, high = len(MOMENTS) * TILE + GAP, TILE + CAPTION + GAP
    sheet = Image.new("RGB", (COLUMNS * wide - GAP, rows * high - GAP), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for i, task in enumerate(options.task):
        words, picture = strip(task, options.robot)
        y, x = divmod(i, COLUMNS)
        sheet.paste(Image.fromarray(picture), (x * wide, y * high))
        lines = "\n".join(textwrap.wrap(words, LETTERS))
        pen.text((x * wide + 2, y * high + TILE + 3), lines, fill="black", font=font)
        print(words, flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(256).save(options.out, optimize=True)
    print(options.out)


if __name__ == "__main__":
    main()
