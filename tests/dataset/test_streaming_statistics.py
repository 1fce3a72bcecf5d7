"""Statistics of columns that are read in parts are those of the whole."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from robokiln.dataset import tables
from robokiln.dataset.stats import QUANTILES, column_stats, streamed_stats
from robokiln.types import Array, Feature

RNG = np.random.default_rng(5)
WALK = RNG.normal(0, 3, (1003, 4)).astype(np.float32)
COLUMNS = {
    "float32": WALK,
    "ties": np.round(WALK),
    "two values": np.where(WALK > 1, np.float32(0.04), np.float32(-1)),
    "zeros of both signs": np.where(WALK > 0, np.float32(0), np.float32(-0.0)),
    "tiny to huge": (RNG.choice([-1, 1], 999) * 10.0 ** RNG.uniform(-44, 38, 999)).astype("f4"),
    "float64": RNG.normal(size=(700, 2)),
    "float64, all magnitudes": RNG.choice([-1, 1], 999) * 10.0 ** RNG.uniform(-140, 140, 999),
    "int64 that counts": np.arange(5000),
    "int64 to the limits": RNG.integers(-(2**63), 2**63 - 1, 500),
    "int16": RNG.integers(-(2**15), 2**15, (900, 2)).astype(np.int16),
    "bool": RNG.random((500, 3)) < 0.3,
    "constant": np.full((300, 2), -7.25, np.float32),
    "one row": WALK[:1],
    "two rows": WALK[:2],
    "a scalar a row": WALK[:, 0],
}


def cut(values: Array) -> Iterator[Array]:
    """Parts of uneven lengths."""
    yield from np.split(values, [n for n in (1, 8, 90, 400) if n < len(values)])


@pytest.mark.parametrize("name", COLUMNS)
def test_parts_give_the_statistics_of_the_whole(name: str) -> None:
    values = COLUMNS[name]
    data = values.reshape(len(values), -1).astype(np.float64)
    for found in (streamed_stats(lambda: cut(values)), column_stats(values)):
        for key, q in QUANTILES.items():
            np.testing.assert_array_equal(found[key], np.quantile(data, q, axis=0))
        np.testing.assert_array_equal(found["min"], data.min(axis=0))
        np.testing.assert_array_equal(found["max"], data.max(axis=0))
        assert found["count"].tolist() == [len(data)]
        near = {"rtol": 1e-12, "atol": 1e-12 * np.abs(data).max()}
        np.testing.assert_allclose(found["mean"], data.mean(axis=0), **near)
        np.testing.assert_allclose(found["std"], data.std(axis=0), **near)


def test_spread_of_large_numbers_survives() -> None:
    values = 1e9 + RNG.normal(size=(2000, 1))
    found = streamed_stats(lambda: cut(values))
    np.testing.assert_allclose(found["std"], values.std(axis=0), rtol=1e-8)


def parts_file(path: Path, feature: Feature, episodes: int) -> Path:
    """A data file of one column, with row groups of 50 rows."""
    schema = tables.data_schema([feature])
    with tables.writer(path, schema) as out:
        for episode in range(episodes):
            values = np.random.default_rng(episode).normal(size=(50, 3)).astype(np.float32)
            out.write_table(tables.frame_table({feature.name: values}, schema))
    return path


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    feature = Feature("action", "float32", (3,))
    peaks = []
    for episodes in (20, 400):
        path = parts_file(tmp_path / f"{episodes}.parquet", feature, episodes)
        streamed_stats(lambda path=path: tables.column_parts(path, feature))
        tracemalloc.start()
        found = streamed_stats(lambda path=path: tables.column_parts(path, feature))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert found["count"].tolist() == [50 * episodes]
    assert peaks[1] < 1.1 * peaks[0]


def test_a_column_is_read_some_row_groups_at_a_time(tmp_path: Path) -> None:
    feature = Feature("action", "float32", (3,))
    path = parts_file(tmp_path / "file.parquet", feature, 47)
    parts = list(tables.column_parts(path, feature))
    assert [len(part) for part in parts] == [1000, 1000, 350]
    np.testing.assert_array_equal(np.concatenate(parts), tables.read_column(path, feature))
