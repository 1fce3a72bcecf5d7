"""A comparison as a picture: rates with their intervals, and every scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from robokiln.report.compare import Comparison, Side
from robokiln.report.plots import png
from robokiln.report.statistics import Rate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = {"a": "#2364aa", "b": "#b5502c"}


def plot(found: Comparison) -> bytes:
    """PNG: above the rates of seeds and all together, below what happened with how many scenes."""
    from matplotlib.figure import Figure

    count = len(found.tests)
    figure = Figure(figsize=(8, 2.6 + 0.3 * count), layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=[1.2 + 0.5 * count, 1])
    _rates(upper, found)
    _counts(lower, found)
    better = found.better
    figure.suptitle(
        f"{found.task}: a less b {100 * better.value:+.1f} points "
        f"({100 * better.low:+.1f} to {100 * better.high:+.1f}), p = {found.p:.2g}, "
        f"{found.scenes} scenes, {count} seed{'s' * (count > 1)} each",
        fontsize=10,
    )
    return png(figure)


def _rates(axes: Axes, found: Comparison) -> None:
    labels: list[str] = []
    for name, side in (("a", found.a), ("b", found.b)):
        for label, rate in _named(name, side):
            spread = [[rate.value - rate.low], [rate.high - rate.value]]
            pooled = label == name
            axes.errorbar(
                100 * rate.value,
                len(labels),
                xerr=100 * np.clip(spread, 0, None),
                fmt="o" if pooled else ".",
                capsize=3,
                color=COLORS[name],
                alpha=1.0 if pooled else 0.5,
            )
            labels.append(f"{label}  {rate.successes}/{rate.n}")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlim=(-2, 102), ylim=(len(labels) - 0.5, -0.5))
    axes.set_xlabel("success, % with Wilson interval")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _named(name: str, side: Side) -> list[tuple[str, Rate]]:
    if len(side.seeds) == 1:
        return [(name, side.pooled)]
    return [(name, side.pooled), *((f"seed {i}", r) for i, r in enumerate(side.seeds))]


def _counts(axes: Axes, found: Comparison) -> None:
    test, left = found.pooled, 0
    parts = [
        ("both", test.both, "#9fb8a8"),
        ("only a", test.only_first, COLORS["a"]),
        ("only b", test.only_second, COLORS["b"]),
        ("neither", test.neither, "#d5d9de"),
    ]
    for label, count, color in parts:
        axes.barh(0, count, left=left, color=color, label=f"{label}: {count}")
        left += count
    axes.set(yticks=[], xlim=(0, max(left, 1)), xlabel="rollouts")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False)
