"""The values that stages hand each other. SI units, quaternions xyzw, world frame unless said."""

from robokiln.types.basics import Array, Color, PoseTuple, RobokilnError, RunFailed, lookup
from robokiln.types.look import Light, Look, Material, Prop, Texture
from robokiln.types.motion import (
    ACTION_DIM,
    ACTION_NAMES,
    Actor,
    Episode,
    Observation,
    Outcome,
    Skill,
    State,
)
from robokiln.types.recorded import Feature, Frames
from robokiln.types.scene import Body, Camera, Joint, SceneSpec, Shape

__all__ = [
    "ACTION_DIM",
    "ACTION_NAMES",
    "Actor",
    "Array",
    "Body",
    "Camera",
    "Color",
    "Episode",
    "Feature",
    "Frames",
    "Joint",
    "Light",
    "Look",
    "Material",
    "Observation",
    "Outcome",
    "PoseTuple",
    "Prop",
    "RobokilnError",
    "RunFailed",
    "SceneSpec",
    "Shape",
    "Skill",
    "State",
    "Texture",
    "lookup",
]
