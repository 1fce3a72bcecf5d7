"""An exported policy on a robot: onnxruntime and numpy, no torch.

policy = robokiln.deploy.load("out/onnx")
actor = robokiln.deploy.PolicyActor(policy)
"""

from robokiln.deploy.manifest import (
    FORMAT,
    GRAPH,
    MANIFEST,
    CameraInput,
    Check,
    Manifest,
    Port,
    Scale,
    Tokenizer,
    read_manifest,
    words_of,
)
from robokiln.deploy.onnx import OnnxPolicy, load
from robokiln.deploy.policy import Policy, PolicyActor, PolicyCamera, TrainedOn, pictures_of

__all__ = [
    "FORMAT",
    "GRAPH",
    "MANIFEST",
    "CameraInput",
    "Check",
    "Manifest",
    "OnnxPolicy",
    "Policy",
    "PolicyActor",
    "PolicyCamera",
    "Port",
    "Scale",
    "Tokenizer",
    "TrainedOn",
    "load",
    "pictures_of",
    "read_manifest",
    "words_of",
]
