"""What the pictures' labels say, and that crops move them along."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from stored import write_dataset
from synthetic import demonstrations
from torch.testing import assert_close

from robokiln.policy import TrainConfig
from robokiln.policy.demonstrations import (
    Demonstrations,
    read_demonstrations,
    role_pixels,
    thrown_off,
)
from robokiln.policy.fit import fit_spec
from robokiln.policy.hindsight import LACKING, Alternative
from robokiln.policy.loader import Loader
from robokiln.policy.pictures import Pictures
from robokiln.policy.vision import STRIDE, cell_centers, heatmap_target, peak_weights
from robokiln.types import RobokilnError

CPU = torch.device("cpu")
CONFIG = TrainConfig(
    model="image", steps=10, width=16, batch_size=16, hindsight=0, place_noise=0, blindness=0
)


def loader(data: Demonstrations, config: TrainConfig = CONFIG) -> Loader:
    return Loader(data, fit_spec(data, config), config)


def test_the_label_of_a_heatmap_has_the_exact_position_as_its_mean() -> None:
    pixels = torch.tensor([[10.3, 20.9, 1.0], [2.0, 2.0, 0.5], [85.9, 86.0, 0.5]])
    label = heatmap_target(pixels, torch.ones(len(pixels)), 22, 22)
    assert_close(label.sum(-1), torch.ones(3))
    assert_close(label[:, 1:] @ cell_centers(22, 22, STRIDE, label.device), pixels[:, :2])
    twice = 2 * pixels
    assert_close(heatmap_target(twice, torch.ones(len(pixels)), 22, 22, 2 * STRIDE), label)


def test_what_is_outside_or_behind_is_absent() -> None:
    pixels = torch.tensor([[-0.1, 5, 1], [5, 88.1, 1], [5, 5, -1], [torch.nan, torch.inf, 0]])
    label = heatmap_target(pixels, torch.ones(len(pixels)), 22, 22)
    assert_close(label[:, 0], torch.ones(4))
    assert label[:, 1:].sum() == 0


def test_what_others_hide_is_absent() -> None:
    pixels = torch.tensor([[10.0, 20.0, 1.0], [40.0, 40.0, 1.0]])
    label = heatmap_target(pixels, torch.tensor([0.0, 1.0]), 22, 22)
    assert_close(label[:, 0], torch.tensor([1.0, 0.0]))
    assert label[0, 1:].sum() == 0


def test_what_follows_on_being_thrown_off_is_not_learned_as_meant() -> None:
    data = demonstrations(2, seed=3, every=8)
    executed = data.action.copy()
    executed[4, 0] += 0.01
    executed[7, 9] = 1 - executed[7, 9]
    executed[9, 1] += 0.002
    data = replace(data, thrown=thrown_off(data.action, executed))
    assert np.flatnonzero(data.thrown).tolist() == [4, 7]
    held = data.holds(data.chunk_rows(np.array([2, 4, 5, 8]), 5))
    expected = [[1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    np.testing.assert_array_equal(held, expected)
    _, labels = loader(data, replace(CONFIG, chunk=5, execute=2)).gather(
        np.array([2]), corner(data), np.random.default_rng(0)
    )
    assert labels.acted.tolist() == [expected[0]]


def test_labels_say_what_a_camera_does_not_show() -> None:
    data = demonstrations(2, seed=3, every=8)
    shown, bodies = data.shown.copy(), np.array([[2, 0, 1]] * 2)
    shown[5, 1, 0] = False
    data = replace(data, shown=shown, bodies=bodies)
    _, labels = loader(data).gather(np.array([5]), corner(data), np.random.default_rng(0))
    front, wrist = data.frames
    assert labels.visible[front].tolist() == [[1, 1, 1]]
    assert labels.visible[wrist].tolist() == [[1, 0, 1]]


def test_what_is_not_there_is_absent_and_has_no_place() -> None:
    data = demonstrations(2, seed=3, every=8)
    gone = Alternative("put the box into nothing", (None,) * 3, (LACKING, None, None))
    data = replace(data, lacking=((gone,),) * len(data.bounds))
    rows = np.full(64, 5)
    _, labels = loader(data, replace(CONFIG, hindsight=0.5)).gather(
        rows, {name: np.zeros((64, 2), int) for name in data.frames}, np.random.default_rng(0)
    )
    told = labels.there[:, 0] == 0
    assert 0 < told.sum() < 32
    for name in data.frames:
        assert (labels.visible[name][told, 0] == 0).all()
        assert (labels.visible[name][~told] == 1).all()
    assert (labels.acted[told] == 0).all()
    assert (labels.acted[~told] == 1).all()


def test_a_far_distractor_does_not_draw_the_keypoint_away() -> None:
    heat = torch.zeros(22 * 22)
    heat[5 * 22 + 7], heat[5 * 22 + 8], heat[18 * 22 + 1] = 0.5, 0.1, 0.4
    weights, sure = peak_weights(heat, 22, 22)
    x, y = (weights @ cell_centers(22, 22, 1, heat.device)).tolist()
    np.testing.assert_allclose([x, y], [7.5 + 1 / 6, 5.5], atol=1e-5)
    assert float(sure) == pytest.approx(0.6)


def test_crops_move_pictures_and_labels_together() -> None:
    data = demonstrations(2, seed=3, every=8)
    load = loader(data)
    rows = np.full(16, 5)
    corners = {name: np.tile([3, 6], (16, 1)) for name in data.frames}
    inputs, labels = load.gather(rows, corners, np.random.default_rng(0))
    for camera in data.cameras[0]:
        whole = role_pixels(camera, data.proprioception, data.places)[5]
        picture = data.frames[camera.name].parts[0][5]
        np.testing.assert_array_equal(inputs.images[camera.name][0], picture[6:94, 3:91])
        moved = labels.pixels[camera.name][0].numpy()
        np.testing.assert_allclose(moved[:, :2] + [3, 6], whole[:, :2], atol=1e-4)


def test_labels_point_at_the_target_in_both_cameras() -> None:
    data = demonstrations(4, seed=4, every=8)
    for camera in data.cameras[0]:
        pixels = role_pixels(camera, data.proprioception, data.places)
        for start in data.bounds[:, 0]:
            x, y, _ = pixels[start, 0]
            if not (2 < x < 94 and 2 < y < 94):
                continue
            patch = data.frames[camera.name].parts[0][start].astype(int)
            away = np.abs(patch[int(y), int(x)] - np.median(patch, axis=(0, 1))).max()
            assert away > 40, camera.name


def test_a_batch_is_a_function_of_the_step_and_epochs_see_every_frame() -> None:
    data = demonstrations(2, seed=5, size=32, every=8)
    one, other = loader(data), loader(data)
    other.batch(7)
    for a, b in zip(one.batch(3), other.batch(3), strict=True):
        for name, value in vars(a).items():
            if isinstance(value, torch.Tensor):
                assert torch.equal(value, getattr(b, name)), name
    steps = -(-len(data) // CONFIG.batch_size)
    seen = np.concatenate([one.rows(step) for step in range(steps)])[: len(data)]
    assert sorted(seen.tolist()) == list(range(len(data)))


def test_chunks_stop_at_the_end_of_their_episode() -> None:
    data = demonstrations(2, seed=6, size=32, every=8)
    end = int(data.bounds[0, 1])
    rows = data.chunk_rows(np.array([end - 2, end]), 4)
    np.testing.assert_array_equal(rows[0], [end - 2, end - 1, end - 1, end - 1])
    np.testing.assert_array_equal(rows[1], np.arange(end, end + 4))


def test_resident_pictures_are_cropped_to_the_same_bytes() -> None:
    data = demonstrations(2, seed=3, size=32, every=8)
    rng = np.random.default_rng(0)
    rows, corners = rng.integers(0, len(data), 16), rng.integers(0, 9, (16, 2))
    read, resident = Pictures(data.frames, CPU), Pictures(data.frames, CPU)
    resident.move(CPU)
    for name in data.frames:
        expected = read(name, rows, corners, (24, 20))
        assert expected.shape == (16, 24, 20, 3)
        assert torch.equal(resident(name, rows, corners, (24, 20)), expected)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], list[Demonstrations]]:
    """Two datasets, of which the second's fixed camera stands elsewhere."""
    parts = [demonstrations(2, seed=s, size=32, every=8) for s in (1, 2)]
    front, wrist = parts[1].cameras[0]
    x, *rest = front.pose
    parts[1] = replace(parts[1], cameras=((replace(front, pose=(x + 0.1, *rest)), wrist),))
    folders = [tmp_path_factory.mktemp("joined") for _ in parts]
    return [write_dataset(f / "d", f, p) for f, p in zip(folders, parts, strict=True)], parts


def test_datasets_are_joined_and_each_keeps_its_cameras(
    two: tuple[list[Path], list[Demonstrations]],
) -> None:
    roots, parts = two
    data = read_demonstrations(roots)
    first = len(parts[0])
    np.testing.assert_array_equal(data.action, np.concatenate([p.action for p in parts]))
    assert data.instructions == parts[0].instructions + parts[1].instructions
    np.testing.assert_array_equal(data.bounds[2:], parts[1].bounds + first)
    row = np.array([first + 3])
    _, labels = loader(data).gather(row, corner(data), np.random.default_rng(0))
    for camera in parts[1].cameras[0]:
        seen = role_pixels(camera, parts[1].proprioception, parts[1].places)[3, :2]
        np.testing.assert_allclose(labels.pixels[camera.name][0, :2], seen, atol=1e-3)
    known = fit_spec(data, CONFIG)
    assert {*known.cameras, *known.elsewhere} == {c for p in parts for c in p.cameras[0]}
    assert len(known.elsewhere) == 1
    front = parts[0].cameras[0][0]
    wrong = role_pixels(front, parts[1].proprioception, parts[1].places)[3, :2]
    assert np.abs(labels.pixels["front"][0, :2].numpy() - wrong).max() > 1


def corner(data: Demonstrations) -> dict[str, np.ndarray]:
    return {name: np.zeros((1, 2), int) for name in data.frames}


def test_datasets_with_other_cameras_are_refused(
    two: tuple[list[Path], list[Demonstrations]], tmp_path: Path
) -> None:
    large = write_dataset(tmp_path / "d", tmp_path, demonstrations(1, seed=3, size=48, every=8))
    with pytest.raises(RobokilnError, match=r"expected cameras as in .* got front 48 x 48"):
        read_demonstrations([two[0][0], large])


def test_datasets_of_another_rate_are_refused(
    two: tuple[list[Path], list[Demonstrations]], tmp_path: Path
) -> None:
    slow = write_dataset(tmp_path / "d", tmp_path, two[1][1], hz=10)
    with pytest.raises(RobokilnError, match=r"expected 20 Hz as in .*, got 10"):
        read_demonstrations([two[0][0], slow])
