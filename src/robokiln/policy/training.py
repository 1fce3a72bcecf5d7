"""The one training loop, for every policy."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from robokiln.files import file_hash, write_json
from robokiln.policy.checkpoint import DESCRIPTION, FORMAT, TrainingState, describe, save_policy
from robokiln.policy.config import TrainConfig
from robokiln.policy.demonstrations import Demonstrations, read_demonstrations
from robokiln.policy.files import read_json
from robokiln.policy.fit import fit_spec
from robokiln.policy.loader import Loader
from robokiln.policy.log import append_log, draw_losses, rewind_log
from robokiln.policy.models import MODELS, build_model
from robokiln.policy.policy import on_device, pick_device
from robokiln.policy.spec import PolicySpec
from robokiln.serial import to_json
from robokiln.types import RobokilnError, lookup

RUN = "train.json"
LOG_EVERY = 10


@dataclass(frozen=True)
class TrainProgress:
    """Where training stands: `step` of `steps` are done; the speed is of this call."""

    step: int
    steps: int
    loss: float
    samples_per_second: float


Progress = Callable[[TrainProgress], None]


def train(
    dataset_root: Path | str,
    config: TrainConfig,
    out: Path | str,
    device: str = "auto",
    progress: Progress | None = None,
    threads: int | None = None,
) -> Path:
    """Train a policy into `out`; the same call continues what was stopped, or finds it finished.

    The same configuration and dataset give the same weights, bit for bit, on the same machine with
    the same number of `threads` (default: PyTorch's).
    """
    dataset_root, out = Path(dataset_root), Path(out)
    target = pick_device(device)
    uses_images = lookup("policy", config.policy, MODELS).uses_images
    digest = _dataset_hash(dataset_root)
    if _claim(out, config, digest):
        return out
    if threads is not None:
        torch.set_num_threads(threads)
    data = read_demonstrations(dataset_root, uses_images)
    return fit(data, config, out, target, digest, progress)


def fit(
    data: Demonstrations,
    config: TrainConfig,
    out: Path,
    device: torch.device,
    dataset_sha256: str,
    progress: Progress | None = None,
) -> Path:
    """The loop itself, over demonstrations in memory."""
    spec = fit_spec(data, config)
    loader = Loader(
        data, spec, config.seed, config.batch_size, config.proprioception_dropout, config.hindsight
    )
    state = _fresh_state(spec, config, device)
    state.restore(out)
    rewind_log(out, state.step)
    clock, first = time.perf_counter(), state.step
    while state.step < config.steps:
        losses = _step(state, loader, config, device)
        speed = (state.step - first) * config.batch_size / (time.perf_counter() - clock)
        last = state.step == config.steps
        if last or state.step % LOG_EVERY == 0:
            rate = learning_rate(config, state.step - 1)
            line = {"step": state.step, "learning_rate": rate, "samples_per_second": speed}
            append_log(out, line | losses)
        if last or state.step % config.checkpoint_every == 0:
            state.save(out)
        if progress is not None:
            progress(TrainProgress(state.step, config.steps, losses["loss"], speed))
    draw_losses(out)
    save_policy(out, spec, config, state.average, dataset_sha256)
    return out


def learning_rate(config: TrainConfig, step: int) -> float:
    """Linear warm-up, then a cosine to zero."""
    warm = min((step + 1) / (config.warmup_steps + 1), 1.0)
    return config.learning_rate * warm * (1 + math.cos(math.pi * step / config.steps)) / 2


def _fresh_state(spec: PolicySpec, config: TrainConfig, device: torch.device) -> TrainingState:
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = build_model(spec)
    model = model.to(device)
    optimizer = torch.optim.AdamW(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    return TrainingState(model, copy.deepcopy(model).requires_grad_(False), optimizer)


def _step(
    state: TrainingState, loader: Loader, config: TrainConfig, device: torch.device
) -> dict[str, float]:
    """One update of the weights and their average; returns the loss terms and their sum."""
    inputs, labels = loader.batch(state.step)
    terms = state.model.losses(on_device(inputs, device), on_device(labels, device))
    loss = torch.stack(list(terms.values())).sum()
    values = {name: float(term.detach()) for name, term in terms.items()}
    if not math.isfinite(sum(values.values())):
        raise RobokilnError(
            f"training step {state.step + 1}: the loss is not finite ({values}); "
            f"lower policy.learning_rate ({config.learning_rate}) or check the dataset"
        )
    state.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(state.model.parameters(), config.clip)
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(config, state.step)
    state.optimizer.step()
    state.step += 1
    # A young average would otherwise be mostly the random weights that training began with.
    keep = min(config.ema, state.step / (state.step + 10))
    with torch.no_grad():
        pairs = zip(state.average.parameters(), state.model.parameters(), strict=True)
        for average, parameter in pairs:
            average.lerp_(parameter, 1 - keep)
    return {"loss": sum(values.values()), **values}


def _dataset_hash(root: Path) -> str:
    """Identifies the data: of SHA256SUMS, which holds every file's, else of the statistics."""
    for name in ("SHA256SUMS", "meta/stats.json", "meta/info.json"):
        if (root / name).is_file():
            return file_hash(root / name)
    raise RobokilnError(f"{root}: is not a LeRobot dataset; meta/info.json is missing")


def _claim(out: Path, config: TrainConfig, dataset_sha256: str) -> bool:
    """Make `out` this run's; True where it is finished, an error where it is something else's."""
    run = {"format": FORMAT, "config": to_json(config), "dataset_sha256": dataset_sha256}
    if out.exists() and not out.is_dir():
        raise RobokilnError(f"{out}: is not a directory")
    if out.exists() and any(out.iterdir()) and not (out / RUN).exists():
        raise RobokilnError(f"{out}: is not empty and holds no training run; choose another")
    if (out / RUN).exists():
        _same_run(out, read_json(out / RUN), run)
    else:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / RUN, run)
    if not (out / DESCRIPTION).exists():
        return False
    describe(out)
    return True


def _same_run(out: Path, old: object, new: dict[str, object]) -> None:
    before, now = _flat(old), _flat(new)
    changes = [
        f"{key}: {before.get(key, 'nothing')} there, {now.get(key, 'nothing')} now"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]
    if changes:
        raise RobokilnError(f"{out}: holds another training run ({'; '.join(changes)})")


def _flat(run: object) -> dict[str, object]:
    if not isinstance(run, dict):
        return {"run": run}
    config = run.get("config")
    return {**run, "config": None, **(config if isinstance(config, dict) else {})}
