"""Small policies: training, loading, acting.

policy = robokiln.policy.load("out/policy")
actor = robokiln.policy.PolicyActor(policy)
"""

from robokiln.policy.actor import PolicyActor
from robokiln.policy.checkpoint import Description, describe, load
from robokiln.policy.config import TrainConfig
from robokiln.policy.models import MODELS
from robokiln.policy.policy import Policy, TrainedPolicy
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
    "load",
    "train",
]
