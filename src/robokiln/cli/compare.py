"""`robokiln compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from robokiln.cli.evaluate import counted
from robokiln.cli.progress import closing_table
from robokiln.cli.settings import Configuration
from robokiln.files import write_file
from robokiln.types import RobokilnError

if TYPE_CHECKING:
    from robokiln.report.compare import Comparison, Side

SHOWN = 12
"""Differing scenes that the table names."""


def main(configuration: Configuration, command: str) -> int:
    """Compare two policies on the same scenes."""
    for key in ("a", "b"):
        if not configuration[key]:
            raise RobokilnError(f"'{key}' is missing: robokiln compare A B, or a=[...] b=[...]")
    out = Path(configuration["out"])
    if out.exists() and not out.is_dir():
        raise RobokilnError(f"{out}: expected a directory, found a file; choose another out=DIR")
    from robokiln.report.compare import compare, write
    from robokiln.report.compare_plot import plot

    sides = [[Path(str(p)) for p in configuration[key]] for key in ("a", "b")]
    found = compare(sides[0], sides[1], configuration["row"])
    file = write(found, out)
    picture = out / "compare.png"
    write_file(picture, plot(found))
    closing_table([*table(found), ("written", f"{file}, {picture}")], f"open {picture}")
    return 0


def table(found: Comparison) -> list[tuple[str, str]]:
    """Rates, the difference, its tests, and the scenes that differ."""
    test, better = found.pooled, found.better
    scenes = [f"{s.scene} ({s.a}:{s.b})" for s in found.differing]
    more = f" and {len(scenes) - SHOWN} more" if len(scenes) > SHOWN else ""
    points = f"{100 * better.value:+.1f} ({100 * better.low:+.1f} to {100 * better.high:+.1f})"
    return [
        ("task", f"{found.task}, row {found.row}, {found.scenes} scenes"),
        *_lines("a", found.a),
        *_lines("b", found.b),
        ("a less b", f"{points} points, 95 % (Newcombe, paired)"),
        ("both", str(test.both)),
        ("only a", str(test.only_first)),
        ("only b", str(test.only_second)),
        ("neither", str(test.neither)),
        ("p by scene", f"{found.p:.3g}" + _of_seeds(found)),
        ("differ", ", ".join(scenes[:SHOWN]) + more if scenes else "none"),
    ]


def _lines(name: str, side: Side) -> list[tuple[str, str]]:
    each = [
        (f"{name}, seed {i}", f"{counted(r)}  {d}")
        for i, (r, d) in enumerate(zip(side.seeds, side.directories, strict=True))
    ]
    return each if len(each) == 1 else [*each, (f"{name}, pooled", counted(side.pooled))]


def _of_seeds(found: Comparison) -> str:
    if len(found.tests) == 1:
        return " (McNemar, exact)"
    each = ", ".join(f"{test.p:.3g}" for test in found.tests)
    return f" (sign test over scenes; McNemar of each pair of seeds: {each})"
