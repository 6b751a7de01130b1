"""Where the files that are not Python live: presets and USD templates, in a checkout and in a wheel alike."""

from pathlib import Path

from lyra_sim.errors import EnvironmentNotReady

_PACKAGE = Path(__file__).parent


def resource_dir(name: str) -> Path:
    """Folder ``configs`` or ``usd_templates``.

    A wheel carries them inside the package; a checkout keeps them at the top, where people look for them.

    Raises:
        EnvironmentNotReady: It is in neither place.
    """
    for candidate in (_PACKAGE / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise EnvironmentNotReady(
        f"resource folder '{name}'",
        "it is neither inside the package nor beside it",
        likely="The installation is incomplete.",
        next_step="Install lyra-sim again: pip install --force-reinstall lyra-sim",
    )
