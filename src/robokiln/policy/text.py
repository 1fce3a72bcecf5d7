"""Instructions to vectors, a word at a time; attention finds the roles."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from robokiln.policy.minilm import WIDTH
from robokiln.policy.roles import ROLES
from robokiln.policy.words import MAX_WORDS, PAD, UNKNOWN

READS = len(ROLES) + 1
"""What is read from an instruction: the roles, then what to do with them."""


class TextEncoder(nn.Module):
    """Tokens [B, L] -> one vector for each role, and one for the task: [B, READS, width].

    Attention between words tells which noun is the target and which the goal, since phrasings
    order them differently; each role then sums the words that it attends to, not what the layers
    made of them: "red" means the same in every sentence, also in one that was never trained on.
    """

    def __init__(self, words: int, width: int = 64, layers: int = 2) -> None:
        super().__init__()
        self.word = nn.Embedding(words + 2, width)
        self.place = nn.Parameter(torch.randn(MAX_WORDS, width) * 0.1)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.read = nn.Linear(width, READS)
        with torch.no_grad():
            # Never trained, so they must say nothing rather than something random: an unknown word,
            # and the one place of an empty instruction.
            self.word.weight[[PAD, UNKNOWN]] = 0.0

    def forward(self, tokens: Tensor) -> Tensor:
        # An empty instruction still has one place to attend to.
        length = max(int((tokens != PAD).sum(1).max()), 1)
        tokens = tokens[:, :length]
        padding = tokens == PAD
        padding[:, 0] = False
        meanings = self.word(tokens)
        x = meanings + self.place[:length]
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=padding)
        return _attend(self.read(self.norm(x)), meanings, padding)


class SentenceReader(nn.Module):
    """Vectors [B, L, WIDTH] of a frozen encoder's pieces, 0 where there is none -> as TextEncoder.

    They already tell a noun's place in the sentence, so one linear map finds the roles, and another
    says what the pieces mean.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.meaning = nn.Linear(WIDTH, width)
        self.read = nn.Linear(WIDTH, READS)

    def forward(self, tokens: Tensor) -> Tensor:
        padding = (tokens == 0).all(-1)
        length = int((~padding).sum(1).max())
        x = self.norm(tokens[:, :length])
        return _attend(self.read(x), self.meaning(x), padding[:, :length])


def _attend(scores: Tensor, meanings: Tensor, padding: Tensor) -> Tensor:
    """Scores [B, L, READS] and meanings [B, L, width] -> what each read finds [B, READS, width]."""
    weights = scores.masked_fill(padding[..., None], -torch.inf).softmax(1)
    read: Tensor = weights.transpose(1, 2) @ meanings
    return read
