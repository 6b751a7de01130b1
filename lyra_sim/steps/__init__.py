"""The steps, in order. Each module exports the step of its name and imports nothing heavy until it runs.

- ``step``: what a step is
- ``contract``: what its signature says
- ``capture``: files to views
- ``depth``: views to depth
- ``generate``: a video along a camera path
- ``reconstruct``: splats
- ``align``: metres and a vertical
- ``mesh``: a closed surface
- ``collide``: hulls and the map
- ``author``: the USD package
- ``assess``: figures, gate and report
"""

STEPS: tuple[str, ...] = ("capture", "depth", "generate", "reconstruct", "align", "mesh", "collide", "author", "assess")
"""Module names in this package."""

STEP_MODULES: tuple[str, ...] = tuple(f"{__name__}.{name}" for name in STEPS)
"""The same as importable modules: what the runner is given unless told otherwise."""
