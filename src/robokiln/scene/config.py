"""What scenes are drawn from, beside their task, robot and seed."""

from __future__ import annotations

from dataclasses import dataclass

from robokiln.types import RobokilnError

START = 0.06
"""How far (rad) each of the arm's joints is from home at the start, at most."""
_CHOICES = {
    "ranges": ("D0", "D1"),
    "objects": ("seen", "unseen", "unseen_shapes", "unseen_colors"),
    "phrasings": ("seen", "held_out"),
    "references": ("plain", "rich"),
}


@dataclass(frozen=True)
class SceneConfig:
    """`ranges`: where things start, D0 or the wider D1, see docs/tasks.md. `objects`: families of
    shapes and colors, those of training or others, in both or in one of them. `phrasings`:
    instructions of training or others. `references`: things are called by color and noun, or also
    by size and place.

    `start` is how far (rad) each joint is from home at the start, at most. `mass` and `friction`
    are factors, drawn evenly from [low, high] for each body; a joint's friction and damping get its
    body's factor of friction.
    """

    ranges: str = "D0"
    objects: str = "seen"
    phrasings: str = "seen"
    references: str = "plain"
    start: float = START
    mass: tuple[float, float] = (1.0, 1.0)
    friction: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        """Refuse what is no choice, and what is no factor."""
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise RobokilnError(f"scene.{name}: expected {' or '.join(choices)}, got {value!r}")
        if not 0 <= self.start <= 1:
            raise RobokilnError(f"scene.start: expected 0 to 1 rad, got {self.start}")
        for name in ("mass", "friction"):
            low, high = getattr(self, name)
            if not 0 < low <= high <= 100:
                raise RobokilnError(
                    f"scene.{name}: expected [low, high] above 0 and up to 100, got [{low}, {high}]"
                )

    @property
    def shapes(self) -> str:
        """The split that shapes are drawn from: "seen" or "unseen"."""
        return "unseen" if self.objects in ("unseen", "unseen_shapes") else "seen"

    @property
    def colors(self) -> str:
        """The split that colors are drawn from: "seen" or "unseen"."""
        return "unseen" if self.objects in ("unseen", "unseen_colors") else "seen"
