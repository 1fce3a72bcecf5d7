"""How episodes run: rates, limits, the expert's motion and the noise on what it executes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EpisodeConfig:
    """Speeds in m/s and rad/s, accelerations in m/s².

    The executed action wanders about the clean one as an Ornstein-Uhlenbeck process with standard
    deviations `noise_position` (m) and `noise_rotation` (rad) and the correlation time
    `noise_seconds`. Actions start from where the arm is, so these add up: each is what one control
    step is thrown off by. About `kicks_per_second` times a second a further `kick_size` (m a step)
    pushes in one direction for `kick_seconds`.
    """

    control_hz: int = 20
    physics_hz: int = 240
    max_steps: int = 150
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
