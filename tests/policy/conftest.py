"""Demonstrations and trained policies that the tests of this folder share; read only."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_policy import SMALL
from stored import write_dataset
from synthetic import demonstrations

from robokiln.policy import train
from robokiln.policy.demonstrations import Demonstrations


@pytest.fixture(autouse=True, scope="session")
def _machine(tmp_path_factory: pytest.TempPathFactory) -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROBOKILN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def demos() -> Demonstrations:
    """Three short episodes of small pictures."""
    return demonstrations(3, seed=1, size=32, every=6)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory, demos: Demonstrations) -> Path:
    """`demos` as a dataset."""
    folder = tmp_path_factory.mktemp("policy_dataset")
    return write_dataset(folder / "dataset", folder, demos)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """A finished run of SMALL."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROBOKILN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        return train(root, SMALL, tmp_path_factory.mktemp("policy") / "run", "cpu")
