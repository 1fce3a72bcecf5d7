"""Policies by name; adding one is one file here, its line in MODELS, and one YAML."""

from robokiln.policy.models.image import ImageModel
from robokiln.policy.models.state import StateModel
from robokiln.policy.spec import ChunkModel, PolicySpec
from robokiln.types import lookup

MODELS: dict[str, type[ChunkModel]] = {"image": ImageModel, "state": StateModel}


def build_model(spec: PolicySpec) -> ChunkModel:
    """A model with fresh weights, or an error that lists what there is."""
    model: type[ChunkModel] = lookup("model", spec.model, MODELS)
    return model(spec)


__all__ = ["MODELS", "build_model"]
