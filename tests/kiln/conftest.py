"""One world a test session: Bullet resets completely with each scene."""

import pytest

from robokiln.physics.bullet import BulletWorld


@pytest.fixture(scope="session")
def world() -> BulletWorld:
    return BulletWorld()
