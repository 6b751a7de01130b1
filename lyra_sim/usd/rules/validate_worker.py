"""Child process of :func:`lyra_sim.usd.rules.validate.examine_stage`: opens somebody's stage where it can do no harm."""

import json
import resource
import sys
from pathlib import Path
from typing import Any, TextIO

from lyra_sim.errors import EnvironmentNotReady, SpecError
from lyra_sim.usd.rules.examine import issues_of
from lyra_sim.usd.rules.rule_groups import choose


def main(stage: str, answer: str, memory_bytes: str, *patterns: str) -> None:
    """Write to ``answer``, a JSON object a line: the rules that are examined, then each issue as soon as it is found.

    A crash then costs what would have come later and no more. A mistaken or unavailable choice of rules says nothing
    about the stage: it is told as the words of the error.
    """
    limit = int(memory_bytes)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with Path(answer).open("w", encoding="utf-8") as lines:
        try:
            choice = choose(patterns)
        except (SpecError, EnvironmentNotReady) as error:
            words = ("subject", "found", "expected", "likely", "next_step")
            _write(lines, {"error": type(error).__name__} | {word: getattr(error, word) for word in words})
            return
        missing = {name: f"{error.subject}: {error.found}" for name, error in choice.missing.items()}
        _write(lines, {"rules": choice.rules, "missing": missing})
        for issue in issues_of(Path(stage), choice):
            _write(lines, issue.to_json())


def _write(lines: TextIO, row: dict[str, Any]) -> None:
    lines.write(json.dumps(row) + "\n")
    lines.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
