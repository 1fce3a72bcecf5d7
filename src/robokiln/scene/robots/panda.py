"""Franka Emika Panda with its parallel hand, from the model that pybullet_data ships."""

from robokiln.scene.robots.description import Gripper, Robot, View, Workspace
from robokiln.scene.robots.urdf import packaged

PANDA = Robot(
    name="panda",
    urdf=packaged("pybullet_data", "franka_panda/panda.urdf"),
    arm_joints=tuple(f"panda_joint{i}" for i in range(1, 8)),
    tool_link="panda_hand",
    tool=(0.0, 0.0, 0.1034, 0.0, 0.0, 0.0, 1.0),
    home=(0.0, -0.35, 0.0, -2.25, 0.0, 1.90, 0.785398),
    gripper=Gripper(
        joints=("panda_finger_joint1", "panda_finger_joint2"),
        closed=(0.0, 0.0),
        open=(0.04, 0.04),
        links=("panda_leftfinger", "panda_rightfinger"),
        force=30.0,
        speed=0.15,
        widest=0.08,
        axis=(0.0, 1.0, 0.0),
    ),
    workspace=Workspace((0.30, 0.70), (-0.35, 0.35)),
    front_camera=View((1.25, 0.0, 1.10), (0.41, 0.0, 0.14), (0.0, 0.0, 1.0), 30.0),
    side_camera=View((-0.05, 0.75, 0.85), (0.61, 0.0, 0.16), (0.0, 0.0, 1.0), 42.0),
    wrist_camera=View((0.08, 0.0, 0.03), (0.0, 0.0, 0.17), (1.0, 0.0, 0.0), 75.0),
    license="Apache-2.0 (Franka Emika GmbH, franka_ros; shipped by pybullet_data)",
    source="pybullet_data/franka_panda",
    textures=False,  # the one image holds baked shading, not colors
)
