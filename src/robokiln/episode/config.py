"""How episodes run: rates, limits, the expert's motion and the noise on what it executes."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from robokiln.types import RobokilnError


@dataclass(frozen=True)
class EpisodeConfig:
    """Speeds in m/s and rad/s, accelerations in m/s². After `max_steps`, or where that is null
    after what the task allows, an episode is given up.

    The executed action wanders about the clean one as an Ornstein-Uhlenbeck process with standard
    deviations `noise_position` (m) and `noise_rotation` (rad) and the correlation time
    `noise_seconds`. Actions start from where the arm is, so these add up: each is what one control
    step is thrown off by. About `kicks_per_second` times a second a further `kick_size` (m a step)
    pushes in one direction for `kick_seconds`, and twists by up to `kick_turn` (rad a step) about
    the vertical.

    About `slips_per_second` times a second a gripper that holds something lets go of it for
    `slip_seconds`; about `pushes_per_second` times a second one of the bodies that the task is
    about is given up to `push_speed` (m/s) in a level direction. A demonstration is
    faster or slower throughout by up to the share `style` of `speed` and `turn_speed`.

    With a `latency` each action is executed so many control steps after it was chosen.
    """

    control_hz: int = 20
    physics_hz: int = 240
    max_steps: int | None = None
    hold_seconds: float = 0.5
    speed: float = 0.28
    acceleration: float = 1.2
    turn_speed: float = 2.0
    noise_position: float = 0.0012
    noise_rotation: float = 0.006
    noise_seconds: float = 0.3
    kicks_per_second: float = 0.2
    kick_size: float = 0.008
    kick_seconds: float = 0.25
    kick_turn: float = 0.0
    slips_per_second: float = 0.0
    slip_seconds: float = 0.15
    pushes_per_second: float = 0.0
    push_speed: float = 0.4
    style: float = 0.1
    latency: int = 0

    def __post_init__(self) -> None:
        """Refuse what can't be simulated."""
        for name in ("control_hz", "physics_hz"):
            self._expect(name, getattr(self, name) >= 1, "at least 1")
        self._expect("max_steps", self.max_steps is None or self.max_steps >= 1, "at least 1")
        for name in ("hold_seconds", "speed", "acceleration", "turn_speed", "noise_seconds"):
            self._expect(name, getattr(self, name) > 0, "more than 0")
        for field in fields(self):
            self._expect(field.name, (getattr(self, field.name) or 0) >= 0, "0 or more")
        self._expect("style", self.style < 1, "less than 1")
        fits = self.physics_hz % self.control_hz == 0
        self._expect("physics_hz", fits, f"a multiple of control_hz ({self.control_hz})")

    def limit(self, horizon: float) -> int:
        """Steps of an episode of a task that allows `horizon` seconds."""
        return self.max_steps or math.ceil(horizon * self.control_hz)

    def _expect(self, name: str, fine: bool, expected: str) -> None:
        if not fine:
            raise RobokilnError(f"episode.{name}: expected {expected}, got {getattr(self, name)}")
