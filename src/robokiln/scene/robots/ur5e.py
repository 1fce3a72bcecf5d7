"""Universal Robots UR5e with a Robotiq 2F-85, from the models that airo-models ships."""

from robokiln.assets import Part
from robokiln.scene.robots.description import Follower, Gripper, Robot, View, Visual, Workspace
from robokiln.scene.robots.urdf import Attachment, packaged

HAND = "robotiq_base_link_inertia"
SIDES = ("robotiq_left", "robotiq_right")
LEADERS = ("robotiq_finger_joint", "robotiq_right_outer_knuckle_joint")


def _linkage() -> tuple[Follower, ...]:
    """What keeps the pads parallel."""
    found = []
    for side, leader in zip(SIDES, LEADERS, strict=True):
        found.append(Follower(f"{side}_inner_knuckle_joint", leader, 1.0))
        found.append(Follower(f"{side}_inner_finger_joint", leader, -1.0))
    return tuple(found)


def _fingers() -> tuple[tuple[str, tuple[Part, ...]], ...]:
    pad = Part.box((-0.011, 0.011), (-0.0032, 0.0032), (-0.0188, 0.0188))
    inner = Part.box((-0.0075, 0.0075), (-0.018, 0.006), (-0.006, 0.044))
    outer = Part.box((-0.0135, 0.0135), (-0.006, 0.012), (-0.006, 0.053))
    found = []
    for side in SIDES:
        found += [(f"{side}_inner_finger_pad", (pad,)), (f"{side}_inner_finger", (inner,))]
        found.append((f"{side}_outer_finger", (outer,)))
    return tuple(found)


UR5E = Robot(
    name="ur5e",
    urdf=packaged("airo_models", "arms/ur5e/ur5e.urdf"),
    attached=Attachment(
        packaged("airo_models", "grippers/robotiq_2f_85/urdf/robotiq_2f_85.urdf"),
        packaged("airo_models", "grippers/robotiq_2f_85"),
        link="tool0",
        prefix="robotiq_",
    ),
    # The model draws its pads as boxes.
    added=tuple(
        Visual(
            f"{side}_inner_finger",
            packaged(
                "airo_models", "grippers/robotiq_2f_85/meshes/visual/robotiq_arg2f_85_pad.obj"
            ),
            (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
            (0.85, 0.85, 0.85),
            0.001,
        )
        for side in SIDES
    ),
    arm_joints=(
        "shoulder_pan_joint",
        "shoulder_lift_joint",
        "elbow_joint",
        "wrist_1_joint",
        "wrist_2_joint",
        "wrist_3_joint",
    ),
    tool_link=HAND,
    # The linkage takes the fingertips from 0.149 to 0.163 as it closes.
    tool=(0.0, 0.0, 0.156, 0.0, 0.0, 0.0, 1.0),
    home=(-0.301, -1.704, 1.533, -1.4, -1.5708, -0.301),
    gripper=Gripper(
        joints=LEADERS,
        closed=(0.8, 0.8),
        open=(0.0, 0.0),
        links=(f"{SIDES[0]}_inner_finger_pad", f"{SIDES[1]}_inner_finger_pad"),
        force=1.5,
        speed=2.0,
        widest=0.085,
        armature=1e-3,
        axis=(1.0, 0.0, 0.0),
        followers=_linkage(),
    ),
    workspace=Workspace((0.32, 0.75), (-0.28, 0.28)),
    front_camera=View((1.25, 0.0, 1.10), (0.41, 0.0, 0.14), (0.0, 0.0, 1.0), 30.0),
    side_camera=View((-0.05, 0.75, 0.85), (0.61, 0.0, 0.16), (0.0, 0.0, 1.0), 42.0),
    wrist_camera=View((0.09, 0.0, 0.03), (0.0, 0.0, 0.20), (1.0, 0.0, 0.0), 75.0),
    license="MIT (airo-models), BSD-3-Clause (Universal Robots' and Robotiq's ROS descriptions)",
    source="airo_models/arms/ur5e, airo_models/grippers/robotiq_2f_85",
    extra="ur5e",
    colors=(
        ("", (0.12, 0.12, 0.13)),
    ),  # the gripper's materials have no names, the arm's files have
    collision=(
        ("base_link_inertia", (Part.box((-0.077, 0.076), (-0.077, 0.077), (0.0, 0.099)),)),
        ("shoulder_link", (Part.box((-0.060, 0.060), (-0.070, 0.060), (-0.064, 0.071)),)),
        ("upper_arm_link", (Part.box((-0.484, 0.060), (-0.060, 0.060), (0.060, 0.209)),)),
        ("forearm_link", (Part.box((-0.431, 0.058), (-0.058, 0.057), (-0.049, 0.060)),)),
        ("wrist_1_link", (Part.box((-0.039, 0.039), (-0.053, 0.056), (-0.073, 0.038)),)),
        ("wrist_2_link", (Part.box((-0.039, 0.039), (-0.056, 0.053), (-0.046, 0.039)),)),
        ("wrist_3_link", (Part.box((-0.037, 0.037), (-0.043, 0.038), (-0.045, 0.0)),)),
        (HAND, (Part.box((-0.037, 0.037), (-0.042, 0.042), (0.0, 0.090)),)),
        *_fingers(),
    ),
)
