"""`robokiln train`."""

from __future__ import annotations

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
    require(configuration, "train", "dataset")
    root, out = Path(configuration["dataset"]), Path(configuration["out"])
    train_policy(root, configuration["policy"], out, configuration["device"], "train")
    closing_table(
        [("policy", str(out)), ("loss curve", str(out / "loss.png"))],
        f"robokiln evaluate {configuration['policy']['policy']}_policy={out}",
    )
    return 0


def train_config(policy: Configuration) -> TrainConfig:
    """The fields of TrainConfig, checked."""
    # Imported late: torch takes seconds, and a wrong path should not have to wait for it.
    from robokiln.policy import TrainConfig

    return from_json(TrainConfig, policy, "policy")


def train_policy(root: Path, policy: Configuration, out: Path, device: str, label: str) -> None:
    """`policy.train` behind a progress line; `policy` holds the fields of TrainConfig."""
    dataset.check(root)
    config = train_config(policy)
    from robokiln.policy import TrainProgress, train

    with ProgressLine(label) as line:

        def show(now: TrainProgress) -> None:
            detail = f"loss {now.loss:.4f}, {now.samples_per_second:.0f} samples/s"
            line.update(now.step, now.steps, detail)

        train(root, config, out, device, show)
