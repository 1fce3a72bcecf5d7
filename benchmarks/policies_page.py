"""The tables of docs/results.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from robokiln.report.statistics import wilson

BEGIN, END = "<!-- benchmarks/policies.py -->", "<!-- end of benchmarks/policies.py -->"


def percent(successes: int, n: int) -> str:
    low, high = wilson(successes, n)
    return f"{successes} of {n} ({100 * low:.0f}-{100 * high:.0f} %)"


def row(name: str, run: dict[str, Any]) -> list[str]:
    """The cells of one run."""
    seeds = run["seeds"]
    rates = [
        sum(s["rows"][t]["image_policy"]["successes"] for t in run["tasks"])
        / sum(s["rows"][t]["image_policy"]["n"] for t in run["tasks"])
        for s in seeds
    ]
    controls = [
        _sum(run, row, key)
        for row, key in (
            ("blank_images", "successes"),
            ("blank_instruction", "successes"),
            ("swapped_instruction", "successes"),
            ("swapped_instruction", "obeyed"),
            ("expert", "successes"),
        )
    ]
    met = (
        "-"
        if not run["target"]
        else "met"
        if run["successes"] / run["n"] >= run["target"]
        else "missed"
    )
    return [
        name,
        run["ranges"],
        str(run["demonstrations"]),
        str(run["looks"]),
        str(run["image_size"]),
        f"{run['steps']}",
        "/".join(f"{s['cpu_minutes']:.0f}" for s in seeds),
        percent(run["successes"], run["n"]),
        "/".join(f"{100 * r:.1f}" for r in rates),
        f"{100 * run['target']:.0f} {met}" if run["target"] else "-",
        *controls,
    ]


def _sum(run: dict[str, Any], name: str, key: str) -> str:
    found = [s["rows"][t][name] for s in run["seeds"] for t in run["tasks"] if name in s["rows"][t]]
    # Scenes in which what the words say was so from the start are not among those of "obeyed".
    rates = [f["obeyed"] if key == "obeyed" else {"successes": f[key], "n": f["n"]} for f in found]
    return f"{sum(r['successes'] for r in rates)} of {sum(r['n'] for r in rates)}" if found else "-"


COLUMNS = ("run", "ranges", "demos", "looks", "pixels", "steps", "CPU min", "success (95 %)",
           "by seed, %", "target", "blank images", "told nothing", "told otherwise: old goal",
           "as told", "expert")  # fmt: skip


def tables(facts: dict[str, Any]) -> str:
    lines = [COLUMNS, ("---",) * len(COLUMNS)]
    lines += [tuple(row(name, run)) for name, run in facts["runs"].items()]
    parts = ["\n".join("| " + " | ".join(line) + " |" for line in lines)]
    for name, run in facts["runs"].items():
        if len(run["tasks"]) > 1:
            parts.append(f"`{name}` by task:\n\n{_by_task(run)}")
    failures = [f"- {name}: {_failures(run)}" for name, run in facts["runs"].items()]
    parts.append("Failures of the image policy by class:\n\n" + "\n".join(failures))
    if facts.get("head"):
        parts.append("\n".join(["One step against two, same scenes (McNemar):", ""] + [
            f"- {task}: {f['one_step']} of {f['n']} against {f['two_step']} of {f['n']}, "
            f"p = {f['p']:.3g}" for task, f in facts["head"].items()
        ]))  # fmt: skip
    return "\n\n".join(parts)


def _by_task(run: dict[str, Any]) -> str:
    lines = ["| task | success (95 %) | told otherwise, as told |", "|---|---|---|"]
    for task in run["tasks"]:
        rows = run["seeds"][0]["rows"][task]
        swapped = rows.get("swapped_instruction")
        said = "{successes} of {n}".format(**swapped["obeyed"]) if swapped else "-"
        found = rows["image_policy"]
        lines.append(f"| {task} | {percent(found['successes'], found['n'])} | {said} |")
    return "\n".join(lines)


def _failures(run: dict[str, Any]) -> str:
    total: dict[str, int] = {}
    for seed in run["seeds"]:
        for task in run["tasks"]:
            for reason, n in seed["rows"][task]["image_policy"]["failures"].items():
                total[reason] = total.get(reason, 0) + n
    ordered = sorted(total.items(), key=lambda item: -item[1])
    return ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in ordered) or "none"


def rewrite(page: Path, facts: dict[str, Any]) -> None:
    """The page with these tables between its markers."""
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{page}: expected the lines '{BEGIN}' and '{END}'")
    page.write_text(f"{before}{BEGIN}\n{tables(facts)}\n{END}{after}")
