"""A reduced torture: `make torture` has the full counts."""

from pathlib import Path

import pytest
from kills import kill_at_every_step, random_kills, worker_kills
from undisturbed import Undisturbed, undisturbed

BROKEN = ("lost", "doubled", "different_bytes")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Six episodes in peace."""
    return undisturbed(tmp_path_factory.mktemp("undisturbed") / "run", 6, "workers=2")


@pytest.mark.timeout(900)
def test_random_kills_of_the_coordinator_lose_nothing(
    expected: Undisturbed, tmp_path: Path
) -> None:
    counts = random_kills(tmp_path, expected, wanted=4, mean_s=expected.seconds * 0.7)
    assert counts["kills"] == 4
    assert not [name for name in BROKEN if counts[name]]


@pytest.mark.timeout(900)
def test_random_kills_of_workers_lose_nothing(expected: Undisturbed, tmp_path: Path) -> None:
    counts = worker_kills(tmp_path, expected, mean_s=expected.seconds / 3, seed=0, most=4)
    assert not [name for name in BROKEN if counts[name]]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_kill_after_every_step_loses_nothing(expected: Undisturbed, tmp_path: Path) -> None:
    counts = kill_at_every_step(tmp_path, expected)
    assert not [name for name in BROKEN if counts[name]]
