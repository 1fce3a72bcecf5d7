"""The suite: axes that change what they say, shared scenes, resuming; on real rollouts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robokiln.cli.compose import choices, compose, load_choice
from robokiln.cli.robustness import CHANGED, changes, suite
from robokiln.physics.bullet import BulletWorld
from robokiln.report.evaluate import Progress
from robokiln.report.evaluate import read as read_evaluation
from robokiln.report.robustness import NOMINAL, Axis, measure, read, seen_by, summarize
from robokiln.report.robustness_pictures import plot, sheet
from robokiln.report.rollouts import held_out
from robokiln.report.show import MARGIN
from robokiln.types import RobokilnError
from robokiln.workers import Execution

AXES = tuple(compose("robustness", [])["axes"])
SMALL = ["task=lift", "image_size=32", "episode.max_steps=60"]
SAME_LAYOUT = sorted({*AXES} - {"position", "shapes", "all"})


def axes_of(*overrides: str) -> list[Axis]:
    found = compose("robustness", [*SMALL, *overrides])
    return suite(found, {"image_policy": Path("image"), "state_policy": Path("state")})


@contextmanager
def silent(label: str) -> Iterator[Progress]:
    yield lambda done, total, rates: None


def test_the_suite_is_every_file_and_all_is_every_axis() -> None:
    assert sorted(AXES) == choices("robustness")
    together = load_choice("robustness", "all")
    # Shapes and colors are two values of one key, of which "all" has a third.
    assert sorted([*together["combine"], "shapes", "colors", "all"]) == choices("robustness")
    assert changes("all")[1]["scene"]["objects"] == "unseen"


@pytest.mark.parametrize("nominal", ["random", "rich"])
def test_each_axis_changes_what_it_says_and_nothing_else(nominal: str) -> None:
    base, *axes = axes_of(f"look={nominal}")
    assert base.name == NOMINAL
    for axis in axes:
        own = {*load_choice("robustness", axis.name)} & {*CHANGED} if axis.name != "all" else set()
        expected = {"sensors" if name == "sensor" else name for name in own}
        fields = vars(base.config)
        changed = {n for n in fields if fields[n] != getattr(axis.config, n)}
        assert changed == (expected or {"look", "scene", "episode", "sensors"}), axis.name


def test_looks_of_the_suite_are_families_that_no_training_look_has() -> None:
    trained: dict[str, set[str]] = {"light_families": set(), "backdrop_families": set()}
    textures: set[str] = set()
    for look in ("random", "rich", "plain"):
        found = compose("generate", [f"look={look}"])["look"]
        for kind in trained:
            trained[kind] |= {*found[kind]}
        textures |= {name for names in found["textures"].values() for name in names}
    tested: dict[str, Any] = changes("all")[1]["look"]
    for kind, names in trained.items():
        assert tested[kind]
        assert not {*tested[kind]} & names
    assert {*tested["textures"]} == {"table", "floor", "wall", "robot", "distractor"}
    assert not {name for names in tested["textures"].values() for name in names} & textures


@pytest.mark.parametrize("name", SAME_LAYOUT)
def test_axes_share_the_nominal_scenes(world: BulletWorld, name: str) -> None:
    """Things stand where they stood, but for what settling moves them."""
    base, axis = axes_of(f"axes=[{name}]")
    before, attempt = held_out(world, base.config, 0)
    here, again = held_out(world, axis.config, 0)
    assert attempt == again
    assert [b.shape for b in here.bodies] == [b.shape for b in before.bodies]
    poses = (np.array([b.pose[:3] for b in spec.bodies]) for spec in (before, here))
    assert np.abs(np.subtract(*poses)).max() < 1e-3
    colors = [b.color for b in here.bodies] != [b.color for b in before.bodies]
    assert colors == (name == "colors")
    assert (here.instruction != before.instruction) == (name in ("phrasing", "colors"))
    away = np.ptp(np.subtract(here.robot_joints, before.robot_joints))
    assert (away > 0.05) == (name == "start")
    heavier = [b.mass for b in here.bodies] != [b.mass for b in before.bodies]
    assert heavier == (name == "physics")


def test_rows_that_see_no_pictures_are_left_out_where_only_pictures_change() -> None:
    base, light, start = axes_of("axes=[light,start]")
    kept = seen_by(light, base)
    assert kept is not None
    assert [*kept.config.scenes] == ["image_policy"]
    assert seen_by(start, base) == start
    blind = replace(light, config=replace(light.config, scenes={"expert": 1}))
    assert seen_by(blind, base) is None


def test_a_suite_of_real_rollouts_pairs_scenes_and_goes_on(tmp_path: Path) -> None:
    nominal, position, start = (
        replace(a, config=replace(a.config, scenes={"expert": 2}))
        for a in axes_of("axes=[position,start]", "episode.max_steps=110")
    )
    out, seen = tmp_path / "suite", list[str]()

    @contextmanager
    def telling(label: str) -> Iterator[Progress]:
        yield lambda done, total, rates: seen.append(label)

    measure([nominal], {}, out, Execution(), telling)
    found = measure([nominal, start], {}, out, Execution(), telling)
    assert seen == [NOMINAL] * 2 + ["start"] * 2
    assert read(out) == found
    assert found.axes[NOMINAL].drops == {}
    paired = found.axes["start"].drops["expert"]
    assert paired.test is not None
    assert paired.test.both + paired.test.only_first == found.axes[NOMINAL].rows["expert"].successes
    assert plot(found)[:4] == b"\x89PNG"
    again = {name: read_evaluation(out / NOMINAL) for name in (NOMINAL, "position")}
    elsewhere = summarize([nominal, position], again).axes["position"].drops["expert"]
    assert elsewhere.test is None
    assert elsewhere.lost.value == 0 > elsewhere.lost.low


def test_the_sheet_shows_each_axis() -> None:
    axes = axes_of("axes=[camera,latency]")
    picture = np.asarray(sheet(axes, columns=3)).astype(int)
    pitch = (picture.shape[1] - MARGIN) // 3
    tiles = [picture[40:, MARGIN + i * pitch :][:, : pitch - MARGIN] for i in range(3)]
    assert np.abs(tiles[0] - tiles[1]).mean() > 2
    assert np.array_equal(tiles[0], tiles[2])


def test_mistakes_name_the_offender(tmp_path: Path) -> None:
    with pytest.raises(RobokilnError, match="axis 'lihgt' not found; did you mean 'light'"):
        axes_of("axes=[lihgt]")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RobokilnError, match="holds no robustness suite"):
        measure(axes_of(), {}, tmp_path, Execution(), silent)
