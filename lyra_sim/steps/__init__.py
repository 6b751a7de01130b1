"""The steps, in order. Each module exports the step of its name and imports nothing heavy until it runs."""

STEPS: tuple[str, ...] = ("capture", "depth", "generate", "reconstruct", "align", "mesh", "collide", "author", "assess")
"""Module names in this package."""

STEP_MODULES: tuple[str, ...] = tuple(f"{__name__}.{name}" for name in STEPS)
"""The same as importable modules: what the runner is given unless told otherwise."""
