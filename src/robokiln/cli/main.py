"""Verbs, help and exit codes. Heavy packages are imported by the stage that needs them."""

from __future__ import annotations

import importlib
import shlex
import sys
from collections.abc import Mapping, Sequence

from robokiln.cli.codes import DISK_FULL, FAILED, INTERRUPTED, OK, USAGE
from robokiln.cli.compose import compose, with_dataset
from robokiln.cli.suggest import unknown
from robokiln.cli.texts import OVERVIEW, VERBS
from robokiln.files import is_disk_full, is_storage_failure
from robokiln.types import RobokilnError, RunFailed

_STAGES: Mapping[str, str] = {
    "run": "robokiln.cli.journey",
    "generate": "robokiln.cli.generate",
    "rerender": "robokiln.cli.rerender",
    "train": "robokiln.cli.train",
    "evaluate": "robokiln.cli.evaluate",
    "export": "robokiln.cli.export",
    "compare": "robokiln.cli.compare",
    "robustness": "robokiln.cli.robustness",
    "improve": "robokiln.cli.improve",
    "show": "robokiln.cli.show",
    "looks": "robokiln.cli.looks",
    "assets": "robokiln.cli.assets",
    "info": "robokiln.cli.info",
    "verify": "robokiln.cli.verify",
    "merge": "robokiln.cli.merge",
    "repair": "robokiln.cli.repair",
    "doctor": "robokiln.cli.doctor",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; the process's exit code. A user's mistake is one message."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return _dispatch(list(arguments))
    except RobokilnError as error:
        return _say(str(error), USAGE)
    except RunFailed as error:
        return _say(str(error), FAILED)
    except KeyboardInterrupt:
        return _say("stopped; the same command continues", INTERRUPTED)
    except OSError as error:
        if is_disk_full(error):
            return _say(
                f"no space left: {error.strerror}; what is finished is kept: "
                "free some space, and the same command continues",
                DISK_FULL,
            )
        if is_storage_failure(error):
            return _say(
                f"the storage failed: {error.strerror}; what is committed is kept: "
                "once it is mended, the same command continues",
                FAILED,
            )
        if error.filename is None:
            raise
        return _say(f"{error.filename}: {error.strerror}", FAILED)


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(OVERVIEW)
        return OK
    if arguments[0] == "--version":
        from robokiln import __version__

        print(f"robokiln {__version__}")
        return OK
    verb, *overrides = arguments
    if verb not in VERBS:
        raise RobokilnError(unknown("command", verb, VERBS) + "; see `robokiln --help`")
    if any(argument in ("-h", "--help") for argument in overrides):
        print(VERBS[verb])
        return OK
    configuration = compose(verb, with_dataset(verb, overrides))
    command = shlex.join(["robokiln", verb, *overrides])
    stage = importlib.import_module(_STAGES[verb])
    code: int = stage.main(configuration, command)
    return code


def _say(message: str, code: int) -> int:
    print(f"robokiln: {message}", file=sys.stderr)
    return code
