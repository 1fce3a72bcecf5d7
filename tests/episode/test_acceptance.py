"""How often the expert is accepted, with scenes that can't be used counted as failures."""

import pytest

from robokiln.cli.compose import compose
from robokiln.cli.settings import generation_plan
from robokiln.workers import Execution, map_unordered
from tasks_measure import SUCCESS, Attempt, Job, attempt


@pytest.mark.slow
def test_at_least_97_of_100_attempts_are_accepted() -> None:
    plan = generation_plan(compose("generate", ["task=pick_place", "seed=11"]))
    jobs = [Job(plan, slot) for slot in range(100)]
    results = [result for _, result in map_unordered(attempt, jobs, Execution(2, 120))]
    reasons = [r.reason for r in results if isinstance(r, Attempt)]
    assert reasons.count(SUCCESS) >= 97, reasons
