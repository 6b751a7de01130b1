"""One engine in a process of its own: ``python -m lyra_sim.physics.worker request.json result.json``.

An engine that crashes, hangs or keeps global state can then harm nothing but its own verdict.
"""

import sys
from pathlib import Path

from lyra_sim.errors import LyraSimError
from lyra_sim.physics.request import GateRequest
from lyra_sim.physics.simulate import simulate
from lyra_sim.plugins import find_plugin


def main(request_file: Path, result_file: Path) -> None:
    """Simulate the request and write the result; the file appears only when everything went well."""
    request = GateRequest.load(request_file)
    engine_class = find_plugin("physics", request.engine).load()
    result = simulate(engine_class, request)
    result.save(result_file)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except LyraSimError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
