"""One dataset that the tests of this folder read."""

from __future__ import annotations

from pathlib import Path

import pytest
from written import make_records, write

from robokiln.dataset import EpisodeRecord

LENGTHS = (21, 30, 12, 26)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROBOKILN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[EpisodeRecord]:
    """Four episodes; the first ends on a key frame (21 = 4 groups of 5, and one)."""
    return make_records(tmp_path_factory.mktemp("parts"), LENGTHS)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory, records: list[EpisodeRecord]) -> Path:
    """The dataset of `records`; read only."""
    return write(tmp_path_factory.mktemp("written") / "dataset", records)
