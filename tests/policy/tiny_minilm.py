"""The sentence encoder's wheel as it lies installed, with one small random layer."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from robokiln.policy.minilm import PACKAGE, WIDTH

PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "put", "the", "red", "blue", "in", "##to", "cup", ",")
INNER, PLACES = 16, 64


def install(site: Path, seed: int = 0) -> Path:
    """Write the package into a folder of packages; returns the model's."""
    folder = site / PACKAGE / "model"
    folder.mkdir(parents=True)
    # Its code needs what is not there, and must never run.
    (site / PACKAGE / "__init__.py").write_text("import sentence_transformers_of_nobody\n")
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in PIECES))
    config = {
        "hidden_act": "gelu",
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": PLACES,
        "num_attention_heads": 12,
        "num_hidden_layers": 1,
        "vocab_size": len(PIECES),
    }
    (folder / "config.json").write_text(json.dumps(config))
    generator = torch.Generator().manual_seed(seed)
    shapes = {
        "embeddings.word_embeddings.weight": (len(PIECES), WIDTH),
        "embeddings.position_embeddings.weight": (PLACES, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    for name, out, inputs in (
        ("attention.self.query", WIDTH, WIDTH),
        ("attention.self.key", WIDTH, WIDTH),
        ("attention.self.value", WIDTH, WIDTH),
        ("attention.output.dense", WIDTH, WIDTH),
        ("intermediate.dense", INNER, WIDTH),
        ("output.dense", WIDTH, INNER),
    ):
        shapes[f"encoder.layer.0.{name}.weight"] = (out, inputs)
        shapes[f"encoder.layer.0.{name}.bias"] = (out,)
    for name in ("embeddings.", "encoder.layer.0.attention.output.", "encoder.layer.0.output."):
        shapes |= {f"{name}LayerNorm.{part}": (WIDTH,) for part in ("weight", "bias")}
    tensors = {n: torch.randn(s, generator=generator) * 0.05 for n, s in shapes.items()}
    save_file(tensors, folder / "model.safetensors")
    return folder
