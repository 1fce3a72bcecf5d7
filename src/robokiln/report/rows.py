"""The rows of an evaluation: who acts, and what that row is for."""

from __future__ import annotations

from dataclasses import dataclass

from robokiln.types import RobokilnError, lookup

STATE_POLICY, IMAGE_POLICY = "state_policy", "image_policy"


@dataclass(frozen=True)
class Row:
    """`policy` names the trained policy that acts, "" if none does."""

    label: str
    note: str
    policy: str = ""


ROWS: dict[str, Row] = {
    "noop": Row("No-op", "holds its first pose: does the task solve itself?"),
    "random": Row("Random", "smooth motions between random poses among the objects"),
    "expert": Row("Expert", "the demonstrator, without noise; sees the simulator's state"),
    STATE_POLICY: Row(
        "State policy", "learned; sees the true poses of target and goal", STATE_POLICY
    ),
    IMAGE_POLICY: Row("Image policy", "learned; sees cameras, own pose, instruction", IMAGE_POLICY),
    "blank_images": Row(
        "Blank images", "the image policy, its cameras painted black", IMAGE_POLICY
    ),
    "blank_instruction": Row(
        "Blank instruction",
        "the image policy, told nothing: what the scene alone gives away",
        IMAGE_POLICY,
    ),
    "swapped_instruction": Row(
        "Swapped instruction",
        "the image policy, told to do something else; success still means the original goal",
        IMAGE_POLICY,
    ),
}
"""In the order in which they are shown."""

BASELINES = ("noop", "random")


def get(name: str) -> Row:
    """The row called `name`, or an error that lists what there is."""
    row: Row = lookup("evaluation row", name, ROWS)
    return row


def check_counts(scenes: dict[str, int]) -> None:
    """Every name a row and every count positive, or an error."""
    for name, count in scenes.items():
        get(name)
        if count < 1:
            raise RobokilnError(f"scenes.{name}: expected at least 1, got {count}")
    if not scenes:
        raise RobokilnError(f"scenes: expected at least one row of {', '.join(ROWS)}")
