"""LeRobot's own ACT on a dataset of ours, beside our policy, at equal CPU minutes of training.

    python benchmarks/act.py --minutes 12 --json out/act/act.json

Both learn from the same demonstrations and are tried in the same held-out scenes: ACT by
lerobot-train and lerobot-eval 0.4.4 in an environment of its own, which is made at the first use,
ours by `robokiln train` and `robokiln evaluate`. ACT is stock but for a backbone without
pretrained weights, which need a download, and for acting on 8 actions of a chunk before it looks
again, as ours does. A minute is one of CPU time, from the command's start to its weights, on one
thread; how many steps fit follows from two short runs. A command that was stopped goes on after the
last stage that it finished; a training begins anew.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from robokiln.report.statistics import mcnemar, rate

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "conformance"))
import stock_reader  # noqa: E402

SHORT, LONGER = 3, 9
"""Steps of the two runs that tell what a step costs."""
EXECUTE = 8
IMAGE, EXPERT = "image_policy", "expert"
CONTROLS = ("noop", "random", "blank_images", "blank_instruction", "swapped_instruction")
"""Rows of `robokiln evaluate` that are not asked for: one scene each is the least."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", default="lift")
    parser.add_argument("--episodes", type=int, default=60)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--scenes", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--out", type=Path, default=Path("out/act"))
    parser.add_argument("--json", type=Path, default=Path("out/act/act.json"))
    options = parser.parse_args()
    options.out = options.out.resolve()
    generate(options)
    facts = compare(options, act(options), ours(options))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(facts, indent=2) + "\n")
    print(json.dumps({k: v for k, v in facts.items() if k != "scenes"}, indent=2))


def generate(options: argparse.Namespace) -> None:
    """The demonstrations that both learn from."""
    sizes = [f"episodes={options.episodes}", f"image_size={options.size}"]
    robokiln("generate", f"task={options.task}", *sizes, f"out={options.out / 'generate'}")


def act(options: argparse.Namespace) -> dict[str, Any]:
    """Train ACT for its minutes and try it."""
    root = options.out / "generate" / "dataset"

    def train(steps: int, out: Path) -> None:
        lerobot(
            *("lerobot_train", "--dataset.repo_id=local/robokiln", f"--dataset.root={root}"),
            *("--dataset.video_backend=pyav", "--policy.type=act", "--policy.device=cpu"),
            *("--policy.push_to_hub=false", "--policy.pretrained_backbone_weights=null"),
            *(f"--steps={steps}", "--num_workers=0", "--log_freq=10", f"--output_dir={out}"),
            home=options.out,
        )

    found = trained(options, "act", train)
    weights = options.out / "act" / "checkpoints" / "last" / "pretrained_model"
    results = options.out / "act-evaluation"
    if not (results / "eval_info.json").exists():
        lerobot(
            *("lerobot_eval", f"--policy.path={weights}", "--policy.device=cpu", "--seed=0"),
            *(f"--policy.n_action_steps={EXECUTE}", f"--eval.n_episodes={options.scenes}"),
            *("--env.discover_packages_path=lerobot_env_robokiln", "--env.type=robokiln"),
            *(f"--env.task={options.task}", f"--env.image_size={options.size}"),
            *("--eval.batch_size=1", f"--output_dir={results}"),
            home=options.out,
        )
    told = json.loads((results / "eval_info.json").read_text())
    return found | {"outcomes": told["per_task"][0]["metrics"]["successes"]}


def ours(options: argparse.Namespace) -> dict[str, Any]:
    """Train our image policy for its minutes and try it."""
    root = options.out / "generate" / "dataset"

    def train(steps: int, out: Path) -> None:
        what = (str(root), "policy=small", "device=cpu", f"policy.execute={EXECUTE}")
        robokiln("train", *what, f"policy.steps={steps}", f"out={out}")

    found = trained(options, "robokiln", train)
    results = options.out / "robokiln-evaluation"
    robokiln(
        *("evaluate", f"task={options.task}", f"image_size={options.size}", f"out={results}"),
        *(f"image_policy={options.out / 'robokiln'}", f"scenes.image_policy={options.scenes}"),
        *(f"scenes.{row}=1" for row in CONTROLS),
        f"scenes.expert={options.scenes}",
    )
    told = json.loads((results / "evaluation.json").read_text())["rollouts"]
    rows = {row: [r["success"] for r in told if r["row"] == row] for row in (IMAGE, EXPERT)}
    return found | {"outcomes": rows[IMAGE], "expert": rows[EXPERT]}


def trained(
    options: argparse.Namespace, name: str, train: Callable[[int, Path], None]
) -> dict[str, Any]:
    """Train into OUT/name for as many steps as fit into the minutes; what it took."""
    note = options.out / f"{name}.json"
    if note.exists():
        return dict(json.loads(note.read_text()))
    costs = [
        cpu_seconds(lambda n=steps: train(n, fresh(options.out / f"{name}-{n}")))
        for steps in (SHORT, LONGER)
    ]
    step = (costs[1] - costs[0]) / (LONGER - SHORT)
    steps = int((60 * options.minutes - costs[0]) / step) + SHORT
    print(f"{name}: {step:.2f} CPU seconds a step, {steps} steps", flush=True)
    spent = cpu_seconds(lambda: train(steps, fresh(options.out / name)))
    found = {"steps": steps, "cpu_seconds_a_step": step, "cpu_minutes": spent / 60}
    note.write_text(json.dumps(found))
    return found


def compare(
    options: argparse.Namespace, theirs: dict[str, Any], our: dict[str, Any]
) -> dict[str, Any]:
    """Rates with intervals, and McNemar's test on the scenes that both were tried in."""
    rows = {"act": theirs["outcomes"], "robokiln": our["outcomes"], "expert": our["expert"]}
    paired = mcnemar(rows["act"], rows["robokiln"])
    return {
        "task": options.task,
        "demonstrations": options.episodes,
        "image_size": options.size,
        "minutes_wanted": options.minutes,
        "torch": torch.__version__,
        "training": {
            name: {k: v for k, v in found.items() if k not in ("outcomes", "expert")}
            for name, found in (("act", theirs), ("robokiln", our))
        },
        "rows": {name: vars(rate(outcomes)) for name, outcomes in rows.items()},
        "mcnemar": vars(paired),
        "scenes": rows,
    }


def robokiln(verb: str, *arguments: str) -> None:
    """A command of ours, one thread."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "robokiln.cli", verb, *arguments]
    subprocess.run(command, check=True, env=environment)


def lerobot(script: str, *arguments: str, home: Path) -> None:
    """A script of lerobot's in its own environment, offline, one thread."""
    stock_reader.run_module(f"lerobot.scripts.{script}", *arguments, home=home)


def cpu_seconds(work: Callable[[], None]) -> float:
    """User and system time of the processes that `work` starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def fresh(directory: Path) -> Path:
    """Where nothing is yet: half a training would cost fewer minutes than it took."""
    shutil.rmtree(directory, ignore_errors=True)
    return directory


if __name__ == "__main__":
    main()
