"""Child process of :func:`lyra_sim.usd.validate.validate_stage`: opens somebody's stage where it can do no harm."""

import json
import resource
import sys
from pathlib import Path

from lyra_sim.usd.validate import validate_in_process


def main(stage: str, answer: str, memory_bytes: str) -> None:
    """Write the issues of ``stage`` to ``answer`` as JSON, within ``memory_bytes`` of address space."""
    limit = int(memory_bytes)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    rows = [issue.to_json() for issue in validate_in_process(Path(stage))]
    Path(answer).write_text(json.dumps(rows), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
