"""`robokiln train`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from robokiln import dataset
from robokiln.cli.compose import require
from robokiln.cli.progress import ProgressLine, closing_table
from robokiln.cli.settings import Configuration
from robokiln.serial import from_json

if TYPE_CHECKING:
    from robokiln.policy import TrainConfig


def main(configuration: Configuration, command: str) -> int:
    """Train a policy."""
    require(configuration, "train", "datasets")
    roots, out = [Path(root) for root in configuration["datasets"]], Path(configuration["out"])
    train_policy(
        roots,
        configuration["policy"],
        out,
        configuration["device"],
        "train",
        configuration["tensorboard"],
    )
    closing_table(
        [("policy", str(out)), ("loss curve", str(out / "loss.png"))],
        f"robokiln evaluate {configuration['policy']['model']}_policy={out}",
    )
    return 0


def train_config(policy: Configuration) -> TrainConfig:
    """The fields of TrainConfig, checked; what its language needs is installed."""
    # Imported late: torch takes seconds, and a wrong path should not have to wait for it.
    from robokiln.policy import TrainConfig, encoder_hash

    config = from_json(TrainConfig, policy, "policy")
    encoder_hash(config.language)
    return config


def train_policy(
    roots: Sequence[Path],
    policy: Configuration,
    out: Path,
    device: str,
    label: str,
    tensorboard: bool = False,
) -> None:
    """`policy.train` behind a progress line; `policy` holds the fields of TrainConfig."""
    for root in roots:
        dataset.check(root)
    config = train_config(policy)
    from robokiln.policy import TrainProgress, train

    with ExitStack() as lines:
        line: ProgressLine | None = None

        def update(name: str, done: int, total: int, detail: str = "") -> None:
            """Each stage has a line, which begins when it does: a terminal has room for one."""
            nonlocal line
            if line is None or line.label != name:
                lines.close()
                line = lines.enter_context(ProgressLine(name))
            line.update(done, total, detail)

        def show(now: TrainProgress) -> None:
            detail = f"loss {now.loss:.4f}, {now.samples_per_second:.0f} samples/s"
            update(label, now.step, now.steps, detail)

        decoding = partial(update, "decode the pictures, once")
        train(roots, config, out, device, show, tensorboard=tensorboard, decoding=decoding)
