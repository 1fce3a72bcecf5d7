"""How a policy is trained: flat, so that a YAML's keys are its fields."""

from __future__ import annotations

from dataclasses import dataclass

from robokiln.types import RobokilnError

PRECISIONS = ("auto", "float32", "bfloat16")
LANGUAGES = ("words", "minilm")


@dataclass(frozen=True)
class TrainConfig:
    """Steps, not minutes, define a run: the same configuration and data give the same weights.

    `model` is a name of `models.MODELS`; `width` its channels. A chunk of `chunk` actions is
    predicted, `execute` of them are carried out. Pictures lose at least `crop_margin` pixels to a
    random crop. `hindsight` is the share of samples whose instruction names something else in the
    scene, so that they teach pointing alone. `place_noise` (m) is by how much what acts is misled
    about where things are, as it will be in scenes that it never saw; in a share `blindness` of the
    samples it is told places alone, and nothing of what pictures look like there. `ema` is the
    decay of the averaged weights, which are the result. `two_step` refines a chunk once (see
    `head`). `precision` is "float32", "bfloat16" (of activations; weights stay float32), or "auto":
    bfloat16 on a GPU that has it. `compile` hands the model to torch.compile, which pays on a GPU
    after a minute and needs a C++ compiler. `language` is "words", learned from the instructions
    alone, or "minilm" (see `minilm`).
    """

    model: str
    steps: int
    width: int
    seed: int = 0
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    warmup_steps: int = 50
    ema: float = 0.99
    clip: float = 1.0
    chunk: int = 16
    execute: int = 8
    two_step: bool = False
    crop_margin: int = 8
    proprioception_dropout: float = 0.2
    hindsight: float = 0.3
    place_noise: float = 0.002
    blindness: float = 0.5
    checkpoint_every: int = 200
    precision: str = "auto"
    compile: bool = False
    language: str = "words"

    def __post_init__(self) -> None:
        """Refuse what can't be trained."""
        counts = ("steps", "width", "batch_size", "chunk", "execute", "checkpoint_every")
        for name in counts:
            self._expect(name, getattr(self, name) > 0, "at least 1")
        for name in ("learning_rate", "clip"):
            self._expect(name, getattr(self, name) > 0, "more than 0")
        for name in ("ema", "proprioception_dropout", "hindsight", "blindness"):
            self._expect(name, 0 <= getattr(self, name) < 1, "from 0 to below 1")
        for name in ("weight_decay", "warmup_steps", "crop_margin", "seed", "place_noise"):
            self._expect(name, getattr(self, name) >= 0, "0 or more")
        self._expect("precision", self.precision in PRECISIONS, f"one of {', '.join(PRECISIONS)}")
        self._expect("language", self.language in LANGUAGES, f"one of {', '.join(LANGUAGES)}")
        self._expect("execute", self.execute <= self.chunk, f"at most chunk ({self.chunk})")
        self._expect("width", self.width % 16 == 0, "a multiple of 16")

    def _expect(self, name: str, fine: bool, expected: str) -> None:
        if not fine:
            raise RobokilnError(f"policy.{name}: expected {expected}, got {getattr(self, name)}")
