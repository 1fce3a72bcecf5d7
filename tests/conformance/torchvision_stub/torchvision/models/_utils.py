"""A module's children up to one whose output is wanted."""

from __future__ import annotations

from torch import Tensor, nn


class IntermediateLayerGetter(nn.ModuleDict):
    """Names of layers -> names of their outputs; layers after the last of them are dropped."""

    def __init__(self, model: nn.Module, return_layers: dict[str, str]) -> None:
        left, layers = set(return_layers), {}
        for name, module in model.named_children():
            layers[name] = module
            left.discard(name)
            if not left:
                break
        super().__init__(layers)
        self.return_layers = return_layers

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        found = {}
        for name, module in self.items():
            x = module(x)
            if name in self.return_layers:
                found[self.return_layers[name]] = x
        return found
