"""The cache of decoded pictures: made once, bounded, and never half a dataset."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from written import FPS, make_records, write

from robokiln import dataset
from robokiln.dataset import encode_video
from robokiln.dataset.cache import LIMIT_VARIABLE, cache_folder
from robokiln.dataset.unstored import UnstoredFrames
from robokiln.types import Array, RobokilnError

READ = """
import hashlib, os, signal, sys
from robokiln import dataset
data, kill = dataset.open(sys.argv[1], cameras=["front"]), len(sys.argv) > 2
decoded = 0
def count(done, total):
    global decoded
    decoded = done
    if kill:
        os.kill(os.getpid(), signal.SIGKILL)
data.decode(count)
print(decoded, hashlib.sha256(data.frames("front")[:].tobytes()).hexdigest())
"""


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROBOKILN_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second dataset, as large as `root`."""
    folder = tmp_path_factory.mktemp("other")
    return write(folder / "dataset", make_records(folder / "parts", (40, 49)))


@pytest.fixture
def expected(root: Path) -> Array:
    """The front camera's pictures, decoded episode by episode."""
    data = dataset.open(root)
    return np.concatenate([data.video("front", e) for e in range(4)])


def reader(root: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", READ, str(root), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def cached(suffix: str) -> list[Path]:
    return sorted(cache_folder().glob(f"*{suffix}"))


def allow(monkeypatch: pytest.MonkeyPatch, datasets: float, pictures: Array) -> None:
    """Room for so many datasets of one camera."""
    monkeypatch.setenv(LIMIT_VARIABLE, str(datasets * pictures.nbytes / 1e9))


def test_two_runs_at_once_decode_once(root: Path, expected: Array) -> None:
    both = [reader(root) for _ in range(2)]
    answers = [run.communicate()[0].split() for run in both]
    assert sorted(int(decoded) for decoded, _ in answers) == [0, 89]
    assert {found for _, found in answers} == {hashlib.sha256(expected.tobytes()).hexdigest()}
    assert len(cached(".rgb")) == 1


def test_a_second_run_waits_for_the_first(root: Path, expected: Array) -> None:
    dataset.open(root).frames("front")
    finished = cached(".rgb")[0]
    finished.unlink()
    with finished.with_suffix(".partial").open("wb") as partial:  # as a maker that is at work
        fcntl.flock(partial, fcntl.LOCK_EX)
        partial.write(b"half")
        waiting = reader(root)
        assert waiting.stderr is not None
        assert "waiting for another run" in waiting.stderr.readline()
        assert not cached(".rgb")
    decoded, found = waiting.communicate()[0].split()
    assert int(decoded) == 89, "the first died, so the second does the work"
    assert found == hashlib.sha256(expected.tobytes()).hexdigest()


def test_a_killed_maker_leaves_nothing_that_counts(
    root: Path, other: Path, expected: Array
) -> None:
    killed = reader(root, "kill")
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert len(cached(".partial")) == 1
    assert not cached(".rgb")
    dataset.open(other).frames("front")
    assert not cached(".partial"), "whoever makes room next clears up"
    np.testing.assert_array_equal(dataset.open(root).frames("front"), expected)


def test_what_is_read_stays_and_what_is_not_leaves(
    root: Path, other: Path, expected: Array, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    allow(monkeypatch, 1.5, expected)
    first = dataset.open(root)
    first.frames("front")
    kept = cached(".rgb")
    second = dataset.open(other).frames("front")
    assert isinstance(second, UnstoredFrames)
    assert "is in use" in caplog.text
    assert cached(".rgb") == kept
    del first
    again = dataset.open(other).frames("front")
    np.testing.assert_array_equal(again, second[:])
    assert len(cached(".rgb")) == 1
    assert cached(".rgb") != kept


def test_the_one_opened_longest_ago_leaves(
    root: Path, other: Path, tmp_path: Path, expected: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    third = shutil.copytree(other, tmp_path / "third")
    allow(monkeypatch, 2.5, expected)
    dataset.open(root).frames("front")
    kept = cached(".rgb")
    dataset.open(other).frames("front")
    dataset.open(root).frames("front")
    left = set(cached(".rgb")) - set(kept)
    dataset.open(third).frames("front")
    assert not left & set(cached(".rgb"))
    assert set(kept) < set(cached(".rgb"))


@pytest.mark.parametrize("why", ["limit", "disk"])
def test_without_room_pictures_are_decoded_as_they_are_read(
    why: str, root: Path, expected: Array, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    data, soft = dataset.open(root), resource.getrlimit(resource.RLIMIT_FSIZE)
    caplog.set_level(logging.WARNING)
    if why == "limit":
        monkeypatch.setenv(LIMIT_VARIABLE, "0")
        frames = data.frames("front")
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (expected.nbytes // 2, soft[1]))
        try:
            frames = data.frames("front")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, soft)
    assert "decoded as it is read" in caplog.text
    assert not cached(".rgb")
    assert not cached(".partial")
    for row in (0, 1, 88, 20, 21, 22, 30, 21, 5):
        np.testing.assert_array_equal(frames[row], expected[row])
    rows = np.random.default_rng(0).permutation(89)
    np.testing.assert_array_equal(frames[rows], expected[rows])
    np.testing.assert_array_equal(frames[3:40], expected[3:40])
    np.testing.assert_array_equal(frames[7, 2:9, 4:6], expected[7, 2:9, 4:6])


def test_a_forked_reader_has_a_position_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = make_records(tmp_path / "parts", (90,))
    noise = np.random.default_rng(0).integers(0, 256, (90, 32, 48, 3), np.uint8)
    encode_video(records[0].videos["observation.images.front"], noise, FPS)  # more than one buffer
    data = dataset.open(write(tmp_path / "dataset", records, max_steps=90))
    monkeypatch.setenv(LIMIT_VARIABLE, "0")
    frames, expected = data.frames("front"), data.video("front", 0)
    frames[0]
    child = os.fork()
    if child == 0:
        same = False
        try:
            same = all((frames[row] == expected[row]).all() for row in range(1, 90))
        finally:
            os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0
    for row in range(1, 90):
        np.testing.assert_array_equal(frames[row], expected[row])


def test_a_changed_video_is_another_dataset(root: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(root, tmp_path / "copy"))
    dataset.open(copy).frames("front")
    video = copy / "videos/observation.images.front/chunk-000/file-000.mp4"
    state = video.stat()
    video.write_bytes(video.read_bytes())
    os.utime(video, ns=(state.st_atime_ns, state.st_mtime_ns))
    dataset.open(copy).frames("front")
    assert len(cached(".rgb")) == 2


def test_a_limit_that_is_none_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("many", "-1", "inf"):
        monkeypatch.setenv(LIMIT_VARIABLE, text)
        with pytest.raises(RobokilnError, match=f"{LIMIT_VARIABLE}={text}: expected gigabytes"):
            dataset.open(root).frames("front")
