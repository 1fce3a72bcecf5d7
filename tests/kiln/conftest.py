"""What a test session shares: one world, as Bullet resets completely with each scene, and two
demonstrations, rendered twice."""

from pathlib import Path

import pytest
from rerendered import FRONT, LABELS, WRIST, rerender

from robokiln.kiln import Plan, generate
from robokiln.physics.bullet import BulletWorld
from robokiln.workers import Execution


@pytest.fixture(scope="session")
def world() -> BulletWorld:
    return BulletWorld()


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two simulated demonstrations; read only."""
    out = tmp_path_factory.mktemp("original") / "run"
    plan = Plan("pick_place", "panda", (FRONT, WRIST), episodes=2, seed=3, antialias=False)
    made = generate(plan, out, Execution()).dataset
    assert made is not None
    return made


@pytest.fixture(scope="session")
def labelled(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every motion in two looks of another seed, with all labels; read only."""
    out = tmp_path_factory.mktemp("labelled") / "run"
    return rerender(original, out, seed=11, looks_per_episode=2, record=LABELS)
