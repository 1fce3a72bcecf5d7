"""The report: one self-contained HTML page, and report.json with the same facts."""

from __future__ import annotations

import base64
import io
import tempfile
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from robokiln import dataset
from robokiln.dataset import encode_video
from robokiln.files import write_file, write_json
from robokiln.report.facts import ReportFacts, Training
from robokiln.report.failures import FAILURES
from robokiln.report.films import Clip, clips
from robokiln.report.robustness import NOMINAL, Robustness
from robokiln.report.robustness_pictures import SHEET, plot
from robokiln.report.rows import IMAGE_POLICY, ROWS
from robokiln.report.show import contact_sheet, side_by_side, spread
from robokiln.scene import tasks
from robokiln.serial import to_json

TEMPLATE = "page.html.j2"
HTML, JSON = "report.html", "report.json"
SHEET_EPISODES, SHEET_COLUMNS, SAMPLES = 6, 8, 3
SAMPLE_HEIGHT = 192
NBSP = "\u00a0"


def write_report(out: Path, facts: ReportFacts) -> tuple[Path, Path]:
    """Write `report.html` and `report.json` into `out`; their paths."""
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / JSON, report_json(facts), sort_keys=False)
    write_file(out / HTML, render_page(facts).encode())
    return out / HTML, out / JSON


def report_json(facts: ReportFacts) -> dict[str, Any]:
    """The facts for programs: `evaluation.<row>`, `generation`, `seconds.<stage>` and the rest."""
    evaluation = facts.evaluation
    rows = evaluation.rows if evaluation else {}
    comparisons = evaluation.comparisons if evaluation else ()
    return {
        "title": facts.title,
        "generation": to_json(facts.generation),
        "training": {t.name: dict(t.facts) for t in facts.training},
        "evaluation": {name: to_json(row) for name, row in rows.items()},
        "comparisons": [to_json(c) for c in comparisons],
        "robustness": to_json(facts.robustness),
        "seconds": dict(facts.seconds),
        "bytes": dict(facts.bytes),
        "commands": list(facts.commands),
        "versions": dict(facts.versions),
        "seeds": dict(facts.seeds),
        "notes": list(facts.notes),
    }


def render_page(facts: ReportFacts) -> str:
    """The page's HTML; pictures and videos lie inside it."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "duration": duration,
        "size": size,
        "base64": _base64,
    }
    template, evaluation = environment.get_template(TEMPLATE), facts.evaluation
    sheet, samples = _dataset_pictures(facts.dataset)
    return template.render(
        facts=facts,
        headline=headline(facts),
        rows=ROWS,
        failures=FAILURES,
        sheet=sheet,
        samples=samples,
        curves=[(t, _curve(t)) for t in facts.training],
        clips=_clips(facts),
        loss=plot(facts.robustness) if facts.robustness else None,
        axes=_axes(facts.robustness_dir),
        success=tasks.get(evaluation.task).criterion if evaluation else "",
    )


def headline(facts: ReportFacts) -> str:
    """The result in a sentence, never a bare percentage."""
    evaluation = facts.evaluation
    if evaluation and evaluation.rows:
        name = IMAGE_POLICY if IMAGE_POLICY in evaluation.rows else list(evaluation.rows)[-1]
        row = evaluation.rows[name]
        return (
            f"{ROWS[name].label}: {row.successes} of {row.n} unseen scenes solved, "
            f"{percent(row.successes / row.n)} (95{NBSP}% interval {interval(row.low, row.high)})."
        )
    if facts.robustness:
        return _worst(facts.robustness)
    if facts.generation:
        made = facts.generation
        return f"{made.episodes:,} demonstrations, {made.frames:,} frames."
    return ""


def _worst(found: Robustness) -> str:
    """The nominal rate, and the axis that costs most."""
    nominal = found.axes[NOMINAL].rows
    name = next(row for row in (IMAGE_POLICY, *reversed(ROWS)) if row in nominal)
    lost = {a: r.drops[name].lost for a, r in found.axes.items() if name in r.drops}
    row = nominal[name]
    text = (
        f"{ROWS[name].label}: {row.successes} of {row.n} unseen scenes solved "
        f"(95{NBSP}% interval {interval(row.low, row.high)})"
    )
    if not lost:
        return text + "."
    axis = max(lost, key=lambda a: lost[a].value)
    most = lost[axis]
    return (
        f"{text}; most is lost by “{axis}”: {100 * most.value:.0f} points "
        f"({100 * most.low:.0f} to {100 * most.high:.0f})."
    )


def percent(share: float) -> str:
    """Whole per cent, but never 0 or 100 unless exactly so."""
    whole = f"{100 * share:.0f}"
    if (whole == "0" and share > 0) or (whole == "100" and share < 1):
        whole = f"{100 * share:.1f}"
    return f"{whole}{NBSP}%"


def interval(low: float, high: float) -> str:
    """Two bounds in per cent."""
    return f"{100 * low:.0f}–{100 * high:.0f}{NBSP}%"


def duration(seconds: float) -> str:
    """ "7.4 s", "3 min 51 s" or "1 h 12 min"."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def size(count: float) -> str:
    """Bytes in the largest decimal unit that leaves a whole number before the point."""
    for unit in ("B", "kB", "MB"):
        if round(count, 1) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def _dataset_pictures(root: Path | None) -> tuple[bytes | None, list[tuple[str, bytes]]]:
    """The contact sheet as JPEG, and sample demonstrations as (instruction, MP4)."""
    if root is None:
        return None, []
    data = dataset.open(root, columns=())
    buffer = io.BytesIO()
    shown = [[episode] for episode in spread(data.info.episodes, SHEET_EPISODES)]
    sheet = contact_sheet(data, shown, SHEET_COLUMNS)
    sheet.save(buffer, "JPEG", quality=84)
    samples = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.mp4"
        for episode in spread(data.info.episodes, SAMPLES):
            encode_video(path, side_by_side(data, episode, SAMPLE_HEIGHT), data.info.fps)
            samples.append((data.instructions[episode], path.read_bytes()))
    return buffer.getvalue(), samples


def _curve(training: Training) -> bytes | None:
    path = training.directory / "loss.png"
    return path.read_bytes() if path.exists() else None


def _clips(facts: ReportFacts) -> list[Clip]:
    if facts.evaluation is None or facts.evaluation_dir is None:
        return []
    return clips(facts.evaluation, facts.evaluation_dir)


def _axes(directory: Path | None) -> bytes | None:
    """What the axes of a robustness suite look like."""
    path = None if directory is None else directory / SHEET
    return path.read_bytes() if path is not None and path.exists() else None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
