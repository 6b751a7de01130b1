"""Child process of :func:`lyra_sim.usd.validate.validate_stage`: opens somebody's stage where it can do no harm."""

import json
import resource
import sys
from pathlib import Path

from lyra_sim.errors import EnvironmentNotReady
from lyra_sim.usd.validate import validate_in_process


def main(stage: str, answer: str, memory_bytes: str) -> None:
    """Write the issues of ``stage`` to ``answer`` as a JSON list, within ``memory_bytes`` of address space.

    A tool that isn't there says nothing about the stage: then the answer is an object, the error's words.
    """
    limit = int(memory_bytes)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    found: list[dict[str, str]] | dict[str, str | None]
    try:
        found = [issue.to_json() for issue in validate_in_process(Path(stage))]
    except EnvironmentNotReady as error:
        found = {name: getattr(error, name) for name in ("subject", "found", "expected", "likely", "next_step")}
    Path(answer).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
