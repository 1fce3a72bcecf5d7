"""One physics world and one small dataset for this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from worlds import write_dataset

from robokiln.physics.bullet import BulletWorld
from robokiln.policy import TrainConfig, train


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs a browser comes last of all: one that hangs may keep a core for good."""
    items.sort(key=lambda item: "browser" in item.name)


@pytest.fixture(scope="session")
def world() -> Iterator[BulletWorld]:
    """Bullet, closed at the end."""
    world = BulletWorld()
    yield world
    world.close()


@pytest.fixture(scope="session")
def demonstrations(tmp_path_factory: pytest.TempPathFactory, world: BulletWorld) -> Path:
    """A dataset of two real demonstrations; read only."""
    return write_dataset(tmp_path_factory.mktemp("demonstrations") / "dataset", world, 2)


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory, demonstrations: Path) -> Path:
    """A real image policy after two steps: bad, but it looks, reads and acts."""
    config = TrainConfig(
        "image", steps=2, width=16, batch_size=8, learning_rate=1e-2, warmup_steps=0, ema=0.0
    )
    return train(demonstrations, config, tmp_path_factory.mktemp("policy") / "image", "cpu")
