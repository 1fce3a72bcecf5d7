"""Small policies: training, loading, acting.

policy = robokiln.policy.load("out/policy")
actor = robokiln.policy.PolicyActor(policy)
"""

from robokiln.deploy import Policy, PolicyActor
from robokiln.policy.checkpoint import Description, describe, load
from robokiln.policy.config import TrainConfig
from robokiln.policy.language import encoder_hash
from robokiln.policy.models import MODELS
from robokiln.policy.policy import TrainedPolicy
from robokiln.policy.training import TrainProgress, train

__all__ = [
    "MODELS",
    "Description",
    "Policy",
    "PolicyActor",
    "TrainConfig",
    "TrainProgress",
    "TrainedPolicy",
    "describe",
    "encoder_hash",
    "load",
    "train",
]
