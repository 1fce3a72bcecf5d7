"""Several frames at once are the frames one by one, in this process or in a worker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler, default_collate

from robokiln import dataset

ROWS = (0, 88, -1, 20, 21, 20, 50)


def test_a_batch_is_its_frames(root: Path) -> None:
    data = dataset.open(root, chunk=8)
    batch, items = data.batch(ROWS), [data[i] for i in ROWS]
    assert batch.keys() == items[0].keys()
    for name, values in batch.items():
        assert len(values) == len(ROWS)
        for value, item in zip(values, items, strict=True):
            np.testing.assert_array_equal(value, item[name])
    np.testing.assert_equal(data[-1], data[88])
    np.testing.assert_equal(data[list(ROWS)], batch)
    np.testing.assert_equal(data.__getitems__(list(ROWS)), items)


def test_a_batch_is_a_copy(root: Path) -> None:
    data = dataset.open(root)
    batch = data.batch([5, 6])
    batch["observation.images.front"][...] = 0
    batch["action"][...] = 0
    assert data[5]["observation.images.front"].any()
    assert data[5]["action"].any()


@pytest.mark.parametrize("row", [89, -90])
def test_rows_outside_are_named(root: Path, row: int) -> None:
    with pytest.raises(IndexError, match=f"frame {row} of 89"):
        dataset.open(root).batch([3, row])


def test_spawned_workers_give_the_same_batches(root: Path) -> None:
    data = dataset.open(root, chunk=4, columns=["observation.state", "action"])
    sampler = BatchSampler(SequentialSampler(data), 32, drop_last=False)
    loaders = [
        DataLoader(data, batch_size=32, num_workers=1, multiprocessing_context="spawn"),
        DataLoader(data, batch_size=None, sampler=sampler),
    ]
    for start, *batches in zip(range(0, 89, 32), *loaders, strict=True):
        expected = default_collate([data[i] for i in range(start, min(start + 32, 89))])
        for batch in batches:
            assert batch.keys() == expected.keys()
            for name, value in expected.items():
                if name == "instruction":
                    assert batch[name] == value
                else:
                    assert torch.equal(batch[name], value), name
