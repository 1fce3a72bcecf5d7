"""A dataset and a policy to break, made by the helpers of their own tests."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
sys.path += [str(TESTS / "dataset"), str(TESTS / "policy")]

from stored import write_dataset  # noqa: E402
from synthetic import demonstrations  # noqa: E402

from robokiln.policy import TrainConfig, train  # noqa: E402


@pytest.fixture(autouse=True)
def _own_caches(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("ROBOKILN_CACHE", str(base / "cache"))


@pytest.fixture(scope="session")
def whole_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three short episodes; read only."""
    folder = tmp_path_factory.mktemp("whole")
    return write_dataset(folder / "dataset", folder, demonstrations(3, seed=1, size=32, every=8))


@pytest.fixture(scope="session")
def whole_policy(tmp_path_factory: pytest.TempPathFactory, whole_dataset: Path) -> Path:
    """A state policy after one step; read only."""
    small = TrainConfig(model="state", steps=1, width=16, batch_size=2, chunk=4, execute=2)
    return train(whole_dataset, small, tmp_path_factory.mktemp("policy") / "run", "cpu")


@pytest.fixture
def victim(whole_dataset: Path, tmp_path: Path) -> Path:
    """A dataset of our own to break."""
    return Path(shutil.copytree(whole_dataset, tmp_path / "victim"))


@pytest.fixture
def policy(whole_policy: Path, tmp_path: Path) -> Path:
    """A policy of our own to break."""
    return Path(shutil.copytree(whole_policy, tmp_path / "policy"))


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """What exists only if something hostile was executed."""
    return tmp_path / "executed"
