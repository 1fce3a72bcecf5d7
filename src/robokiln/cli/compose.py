"""From `key=value` arguments to a plain, checked mapping. The only place that knows Hydra."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import takewhile
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from robokiln.cli.suggest import unknown
from robokiln.files import config_directory
from robokiln.types import RobokilnError

# Types of the values that may be null, and so can't be told from their default.
_OPTIONAL: Mapping[str, type] = {
    "workers": int,
    "memory_mb": int,
    "ray_address": str,
    "image_size": int,
    "plan": str,
    "image_policy": str,
    "state_policy": str,
    "dataset": str,
    "datasets": list,
    "a": list,
    "b": list,
    "source": str,
    "policy": str,
    "format": str,
    # Gates that are switched off
    **dict.fromkeys(("idle_begin_s", "idle_end_s", "limit_share", "dead_joint"), float),
    **dict.fromkeys(("penetration_m", "settle_s", "black_mean", "black_contrast"), float),
    **dict.fromkeys(("frozen_frames", "target_pixels"), int),
}
# The same of a verb for which null means "as the dataset has it".
_AS_THE_DATASET: Mapping[str, type] = {
    **dict.fromkeys(("seed", "looks_per_episode", "episodes"), int),
    "antialias": bool,
    "codec": str,
    "record": list,
    "beside": str,
}
# Least values by the last part of the key.
_LEAST: Mapping[str, int] = {
    **dict.fromkeys(("episodes", "looks_per_episode", "max_attempts"), 1),
    **dict.fromkeys(("rounds", "per_round"), 1),
    **dict.fromkeys(("workers", "columns", "control_hz", "physics_hz", "max_steps", "steps"), 1),
    **dict.fromkeys(("width", "height", "image_size"), 16),
    **dict.fromkeys(("seed", "videos", "replay", "hard_attempts"), 0),
    "deadline_s": 1,
    "memory_mb": 100,
}
# Most, so that a slip is refused before any work or memory is spent on it.
_MOST: Mapping[str, int] = {
    **dict.fromkeys(("episodes", "looks_per_episode", "max_attempts", "max_steps"), 10_000_000),
    **dict.fromkeys(("per_round", "hard_attempts"), 10_000_000),
    **dict.fromkeys(("steps", "physics_hz"), 100_000_000),
    **dict.fromkeys(("width", "height", "image_size"), 8192),
    **dict.fromkeys(
        ("workers", "columns", "videos", "control_hz", "count", "chunk", "rounds"), 10_000
    ),
    **dict.fromkeys(("batch_size", "checkpoint_every", "warmup_steps"), 100_000_000),
}
MISSING = "???"
"""What YAML files give a key that the user must give."""
# Below these any key may be given; the dataclass that they fill refuses what it doesn't have.
_OPEN = ("sensors", "episode", "policy", "policy_image", "policy_state")
_KINDS: Mapping[type, str] = {
    **{bool: "true or false", int: "a whole number", float: "a number", str: "text"},
    **{list: "a list like [a,b]", dict: "a mapping"},
}


def compose(verb: str, overrides: Sequence[str]) -> dict[str, Any]:
    """The verb's configuration as plain values; RobokilnError for any argument that can't be."""
    if not (config_directory() / f"{verb}.yaml").exists():
        if overrides:
            raise RobokilnError(f"'{overrides[0]}': `robokiln {verb}` takes no arguments")
        return {}
    parsed = [_parse(text) for text in overrides]
    plain = [o for o in parsed if o.key_or_group in _named_as_groups(verb)]
    parsed = [o for o in parsed if o not in plain]
    groups = [o for o in parsed if _is_group(o.key_or_group)]
    for override in groups:
        _check_choice(override)
    base = _compose(verb, *(str(o.input_line) for o in groups))
    known = dict(_leaves(base))
    for override in parsed:
        if override not in groups:
            _check_key(override, base, known)
    composed = _compose(verb, *(_openly(o) for o in parsed))
    composed = composed | {str(o.key_or_group): o.value() for o in plain}
    for key, value in _leaves(composed):
        _check_value(key, value, known.get(key))
    return composed


def choices(group: str) -> list[str]:
    """Names of the files in a folder of configs/."""
    return sorted(p.stem for p in (config_directory() / group).glob("*.yaml"))


def load_choice(group: str, name: str) -> dict[str, Any]:
    """What a file of configs/ says, as plain values."""
    if name not in choices(group):
        raise RobokilnError(unknown(group, name, choices(group)))
    plain = OmegaConf.to_container(OmegaConf.load(config_directory() / group / f"{name}.yaml"))
    assert isinstance(plain, dict)
    return {str(k): v for k, v in plain.items()}


@cache
def _compose(verb: str, *overrides: str) -> dict[str, Any]:
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(config_directory()), version_base="1.3"):
            config = hydra_compose(verb, list(overrides))
        plain = OmegaConf.to_container(config, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise RobokilnError(str(error).splitlines()[0]) from None
    assert isinstance(plain, dict)
    return {str(k): v for k, v in plain.items()}


def require(configuration: Mapping[str, Any], verb: str, *keys: str) -> None:
    """An error that names the first of `keys` that must be given and was not."""
    for key in keys:
        if configuration[key] == MISSING:
            given = "DIR [DIR ...]" if key == "datasets" else f"{key}=DIR"
            raise RobokilnError(f"'{key}' is missing: robokiln {verb} {given}")


def with_dataset(verb: str, arguments: Sequence[str]) -> list[str]:
    """`rerender DIR key=value` as `rerender dataset=DIR key=value`, where the verb takes one,
    `merge A B` as `merge datasets=[A,B]`; where it takes several, `dataset=DIR` is one of one.
    `compare A B` is `compare a=[A] b=[B]`."""
    file = config_directory() / f"{verb}.yaml"
    known = _compose(verb) if file.exists() else {}
    given = list(takewhile(lambda text: "=" not in text, arguments))
    rest = list(arguments[len(given) :])
    if "datasets" in known:
        rest = [_several(text) for text in rest]
    if given and "datasets" in known:
        return [f"datasets=[{','.join(_quoted(text) for text in given)}]", *rest]
    if given and {"a", "b"} <= known.keys():
        if len(given) != 2:
            raise RobokilnError(
                f"{verb}: expected two, got {len(given)}: robokiln {verb} A B, or a=[...] b=[...]"
            )
        return [*(f"{key}=[{_quoted(text)}]" for key, text in zip("ab", given, strict=True)), *rest]
    if len(given) == 1 and "dataset" in known:
        return [f"dataset={_quoted(given[0])}", *rest]
    return [*given, *rest]


def _several(argument: str) -> str:
    key, _, value = argument.partition("=")
    if key != "dataset":
        return argument
    return f"datasets={value if value.startswith('[') else f'[{value}]'}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _parse(text: str) -> Override:
    key, sign, _ = text.partition("=")
    if not sign or not key:
        raise RobokilnError(f"'{text}': expected key=value, for instance episodes=100")
    try:
        parsed = OverridesParser.create().parse_override(text)
    except HydraException:
        raise RobokilnError(
            f"'{text}': can't be read as key=value; quote special characters: '{key}=\"...\"'"
        ) from None
    if parsed.is_add() or parsed.is_delete() or parsed.is_sweep_override():
        raise RobokilnError(f"'{text}': expected key=value with one value")
    return parsed


def _group(key: str) -> str:
    """The folder that a key chooses from: policy@policy_image chooses from policy."""
    return key.partition("@")[0]


def _is_group(key: str) -> bool:
    folder = config_directory() / _group(key)
    return folder.is_dir() and _group(key) != ""


@cache
def _named_as_groups(verb: str) -> frozenset[str]:
    """Plain keys of the verb's file that have a folder's name, which Hydra takes for a choice:
    `policy` of `export` is a directory."""
    written = OmegaConf.to_container(OmegaConf.load(config_directory() / f"{verb}.yaml"))
    assert isinstance(written, dict)
    return frozenset(str(key) for key in written if _is_group(str(key)))


def _is_open(key: str) -> bool:
    return key.partition(".")[0] in _OPEN and "." in key


def _openly(override: Override) -> str:
    """What Hydra wants to see of a key that the files need not name."""
    return (
        f"++{override.input_line}" if _is_open(override.key_or_group) else str(override.input_line)
    )


def _check_choice(override: Override) -> None:
    group, name = _group(override.key_or_group), str(override.value())
    if name not in choices(group):
        raise RobokilnError(f"{unknown(group, name, choices(group))} ({group}=NAME)")


def _check_key(override: Override, base: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    key = override.get_key_element()
    open_here = _is_open(key) and key.partition(".")[0] in base
    if not open_here and key not in known and key not in set(_branches(base)):
        groups = [p.name for p in config_directory().iterdir() if p.is_dir()]
        raise RobokilnError(unknown("key", key, [*known, *groups]))


def _check_value(key: str, value: Any, default: Any) -> None:
    leaf = key.rpartition(".")[2]
    when_null = {**_AS_THE_DATASET, **_OPTIONAL}.get(leaf)
    expected = type(default) if default not in (None, MISSING) else when_null
    # A number may be switched off where null is one, too: scenes.image_policy is no directory.
    numeric = _OPTIONAL.get(leaf) in (int, float)
    may_be_null = default is None or (leaf in _OPTIONAL and _is_number(default) == numeric)
    if value == MISSING or (value is None and may_be_null):
        return
    if leaf in _LEAST and _is_number(value) and value < _LEAST[leaf]:
        raise RobokilnError(f"{key}: expected at least {_LEAST[leaf]}, got {value}")
    if leaf in _MOST and _is_number(value) and value > _MOST[leaf]:
        raise RobokilnError(f"{key}: expected at most {_MOST[leaf]}, got {str(value)[:40]}")
    if expected is None or expected is type(value):
        return
    if expected is float and _is_number(value):
        return
    if expected is str and not isinstance(value, (dict, list)):
        return
    raise RobokilnError(f"{key}: expected {_KINDS.get(expected, expected.__name__)}, got {value!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of every scalar and of every list of scalars."""
    for name, child in _children(value):
        yield from _leaves(child, f"{key}.{name}" if key else name)
    if not _children(value):
        yield key, value


def _branches(value: Any, key: str = "") -> Iterator[str]:
    for name, child in _children(value):
        path = f"{key}.{name}" if key else name
        yield path
        yield from _branches(child, path)


def _children(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [(str(k), v) for k, v in value.items()]
    if isinstance(value, list) and any(isinstance(v, (Mapping, list)) for v in value):
        return [(str(i), v) for i, v in enumerate(value)]
    return []
