"""Output digests of built scenes, to hold two builds against each other across a change that renames but must not alter.

    python -m tests.runner.output_digests OUT [OTHER_OUT]

One line a step, ``scene step digest``; with a second folder, the steps in both that differ, and exit code 1 if any do.
"""

import sys
from pathlib import Path

from lyra_sim.store import read_manifest


def output_digests(out: Path) -> dict[tuple[str, str], str]:
    """By scene and step."""
    found = {}
    for folder in sorted(out.glob("*/steps/[0-9]*_*")):
        manifest = read_manifest(folder)
        if manifest is not None:
            found[folder.parents[1].name, folder.name] = manifest.output_digest
    return found


def main(outs: list[str]) -> int:
    ours, *others = (output_digests(Path(out)) for out in outs)
    if not others:
        for (scene, step), digest in ours.items():
            print(scene, step, digest)
        return 0
    common = sorted(ours.keys() & others[0].keys())
    differing = [name for name in common if ours[name] != others[0][name]]
    for scene, step in differing:
        print(scene, step, "differs")
    print(f"{len(common)} steps in both, {len(differing)} differ")
    return 1 if differing or not common else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
