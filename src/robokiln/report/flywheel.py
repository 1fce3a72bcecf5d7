"""What rounds of correcting a policy are worth beside as many frames of plain demonstrations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from robokiln.files import write_file, write_json
from robokiln.report.plots import png
from robokiln.report.statistics import Paired, Rate, mcnemar, rate
from robokiln.serial import to_json

FLYWHEEL, PLAIN = "flywheel", "plain"
LABELS = {FLYWHEEL: "the policy's rollouts, taken over", PLAIN: "plain demonstrations"}
COLORS = {FLYWHEEL: "tab:blue", PLAIN: "tab:orange"}
ALPHA = 0.01
"""What p must be below before one arm is called better."""
RESULT, PICTURE = "improve.json", "improve.png"


@dataclass(frozen=True)
class Standing:
    """An arm after a round: what its policy learned from, and how often that succeeds. Both arms
    share round 0.

    `frames` of expert actions; `attempts` at demonstrations, refused ones too.
    """

    arm: str
    round: int
    demonstrations: int
    frames: int
    attempts: int
    outcomes: tuple[bool, ...]

    @property
    def success(self) -> Rate:
        """With its interval."""
        return rate(self.outcomes)


@dataclass(frozen=True)
class Duel:
    """McNemar's test after a round: `first` is the flywheel, `second` plain demonstrations."""

    round: int
    test: Paired
    verdict: str


def duels(standings: Sequence[Standing]) -> list[Duel]:
    """Of each round in which both arms have been evaluated, on the same held-out scenes."""
    by_place = {(s.arm, s.round): s for s in standings}
    found = []
    for (arm, number), mine in by_place.items():
        other = by_place.get((PLAIN, number))
        if arm == FLYWHEEL and number and other is not None:
            test = mcnemar(mine.outcomes, other.outcomes)
            found.append(Duel(number, test, verdict(test)))
    return found


def verdict(test: Paired) -> str:
    """Who is better, if the test can tell."""
    if test.p >= ALPHA:
        return "no difference shown"
    return f"{FLYWHEEL if test.only_first > test.only_second else PLAIN} is better"


def write_improvement(out: Path, task: str, standings: Sequence[Standing]) -> tuple[Path, Path]:
    """improve.json and improve.png of all that has been evaluated."""
    rows = [{**to_json(s), "success": to_json(s.success)} for s in standings]
    found = {"task": task, "standings": rows, "duels": to_json(duels(standings))}
    write_json(out / RESULT, found, sort_keys=False)
    write_file(out / PICTURE, plot(task, standings))
    return out / RESULT, out / PICTURE


def plot(task: str, standings: Sequence[Standing]) -> bytes:
    """PNG: success with its intervals against rounds, and against what was demonstrated."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for arm in LABELS:
        shown = [s for s in standings if s.arm == arm or not s.round]
        if shown:
            _line(left, arm, [s.round for s in shown], shown)
            _line(right, arm, [s.frames for s in shown], shown)
    _number(right, standings)
    left.set(xlabel="round", ylabel="success in held-out scenes", ylim=(-0.02, 1.02))
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.set(xlabel="frames of expert actions (labels: demonstrations)")
    left.legend(frameon=False, loc="upper left")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.suptitle(f"{task}: {len(standings[0].outcomes)} held-out scenes, 95 % intervals")
    return png(figure)


def _line(axes: Axes, arm: str, at: Sequence[int], shown: Sequence[Standing]) -> None:
    rates = [s.success for s in shown]
    color = COLORS[arm]
    low, high = [r.low for r in rates], [r.high for r in rates]
    axes.fill_between(at, low, high, color=color, alpha=0.15, linewidth=0)
    axes.plot(at, [r.value for r in rates], "o-", color=color, label=LABELS[arm])


def _number(axes: Axes, standings: Sequence[Standing]) -> None:
    for s in standings:
        below = s.arm == PLAIN
        axes.annotate(
            str(s.demonstrations),
            (s.frames, s.success.value),
            xytext=(0, -14 if below else 7),
            textcoords="offset points",
            ha="center",
            color=COLORS[s.arm] if s.round else "black",
            fontsize=8,
        )
