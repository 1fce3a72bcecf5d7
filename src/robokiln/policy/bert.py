"""The encoder BERT (Devlin et al., 2019), from the files of a released model; it only reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor, nn

from robokiln.policy.files import read_file, read_json
from robokiln.types import RobokilnError

CONFIG, WEIGHTS = "config.json", "model.safetensors"
_NAMES = {
    "embeddings.word_embeddings.weight": "piece.weight",
    "embeddings.position_embeddings.weight": "place.weight",
    "embeddings.LayerNorm": "norm",
}
_LAYER_NAMES = {
    "attention.output.dense": "self_attn.out_proj",
    "attention.output.LayerNorm": "norm1",
    "intermediate.dense": "linear1",
    "output.dense": "linear2",
    "output.LayerNorm": "norm2",
}
"""Theirs -> those of nn.TransformerEncoderLayer, which is BERT's layer."""


class Bert(nn.Module):
    """Pieces int64 [B, L], without padding -> contextual vectors [B, L, width]."""

    def __init__(self, config: Mapping[str, int | float]) -> None:
        super().__init__()
        width, eps = int(config["hidden_size"]), float(config["layer_norm_eps"])
        self.piece = nn.Embedding(int(config["vocab_size"]), width)
        self.place = nn.Embedding(int(config["max_position_embeddings"]), width)
        self.sentence = nn.Parameter(torch.empty(width))
        self.norm = nn.LayerNorm(width, eps)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width,
                int(config["num_attention_heads"]),
                int(config["intermediate_size"]),
                dropout=0.0,
                activation="gelu",
                layer_norm_eps=eps,
                batch_first=True,
            )
            for _ in range(int(config["num_hidden_layers"]))
        )

    def forward(self, pieces: Tensor) -> Tensor:
        places = self.place.weight[: pieces.shape[1]]
        x: Tensor = self.norm(self.piece(pieces) + places + self.sentence)
        for layer in self.layers:
            x = layer(x)
        return x


def load_bert(folder: Path) -> Bert:
    """The model of a folder in the layout of Hugging Face; what does not fit is an error that names
    the file."""
    config = read_json(folder / CONFIG)
    try:
        if config["hidden_act"] != "gelu":
            raise ValueError(f"hidden_act: expected gelu, got {config['hidden_act']}")
        tensors = load_tensors(read_file(folder / WEIGHTS))
        # Nothing is drawn at random, so nobody else's random numbers change.
        with torch.device("meta"):
            model = Bert(config)
        model.load_state_dict(_renamed(tensors, len(model.layers)), assign=True)
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise RobokilnError(f"{folder}: not a BERT ({str(error)[:300]})") from None
    return model.eval().requires_grad_(False)


def _renamed(tensors: Mapping[str, Tensor], layers: int) -> dict[str, Tensor]:
    """Without the pooler, which only the training of BERT itself needed."""
    out = {"sentence": tensors["embeddings.token_type_embeddings.weight"][0]}
    for theirs, ours in _NAMES.items():
        out |= _both(tensors, theirs, ours)
    for i in range(layers):
        prefix = f"encoder.layer.{i}."
        for part in ("weight", "bias"):
            qkv = [tensors[f"{prefix}attention.self.{n}.{part}"] for n in ("query", "key", "value")]
            out[f"layers.{i}.self_attn.in_proj_{part}"] = torch.cat(qkv)
        for theirs, ours in _LAYER_NAMES.items():
            out |= _both(tensors, prefix + theirs, f"layers.{i}.{ours}")
    return out


def _both(tensors: Mapping[str, Tensor], theirs: str, ours: str) -> dict[str, Tensor]:
    """A weight alone, or a module's weight and bias."""
    if theirs in tensors:
        return {ours: tensors[theirs]}
    return {f"{ours}.{part}": tensors[f"{theirs}.{part}"] for part in ("weight", "bias")}
