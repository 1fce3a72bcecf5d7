"""Episodes that can't be simulated are refused by name."""

import pytest

from robokiln.episode import EpisodeConfig
from robokiln.types import RobokilnError


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"control_hz": 0}, "control_hz: expected at least 1, got 0"),
        ({"max_steps": -5}, "max_steps"),
        ({"speed": -0.1}, "speed: expected more than 0"),
        ({"noise_position": -1.0}, "noise_position: expected 0 or more"),
        ({"control_hz": 7}, "physics_hz: expected a multiple of control_hz"),
    ],
)
def test_nonsense_is_refused(change: dict[str, float], words: str) -> None:
    with pytest.raises(RobokilnError, match=words):
        EpisodeConfig(**change)  # type: ignore[arg-type]
