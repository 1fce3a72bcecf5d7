"""Franka Emika Panda with its parallel hand, from the model that pybullet_data ships."""

from importlib.util import find_spec
from pathlib import Path

from robokiln.scene.robots.description import Robot


def _data() -> Path:
    spec = find_spec("pybullet_data")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


PANDA = Robot(
    name="panda",
    urdf=_data() / "franka_panda" / "panda.urdf",
    arm_joints=tuple(f"panda_joint{i}" for i in range(1, 8)),
    finger_joints=("panda_finger_joint1", "panda_finger_joint2"),
    finger_links=("panda_leftfinger", "panda_rightfinger"),
    finger_open=0.04,
    finger_force=30.0,
    tool_link="panda_hand",
    tool=(0.0, 0.0, 0.1034, 0.0, 0.0, 0.0, 1.0),
    home=(0.0, -0.35, 0.0, -2.25, 0.0, 1.90, 0.785398),
    license="Apache-2.0 (Franka Emika GmbH, franka_ros; shipped by pybullet_data)",
    source="pybullet_data/franka_panda",
    textures=False,  # the one image holds baked shading, not colors
)
