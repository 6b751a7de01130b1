"""A scene seen through one step: only the fields the step declares, so nothing undeclared can enter its result."""

from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel

from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.step import Step

ALWAYS = ("name", "seed")
"""Fields every step may read; both are in every key."""


class _Scoped:
    """Stands in for a :class:`SceneSpec`; reading an undeclared field is an error that names the step."""

    __slots__ = ("_scene", "_step")

    def __init__(self, scene: SceneSpec, step: Step) -> None:
        self._scene, self._step = scene, step

    def __getattr__(self, field: str) -> Any:
        if field in self._step.reads or field in ALWAYS:
            return getattr(self._scene, field)
        raise AttributeError(
            f"step '{self._step.name}' reads scene field '{field}' without declaring it; "
            f"add '{field}' to STEP.reads, or its result would not change when the field does"
        )


def scoped(scene: SceneSpec, step: Step) -> SceneSpec:
    """The part of ``scene`` that ``step`` declares in ``reads``, plus ``name`` and ``seed``."""
    return cast(SceneSpec, _Scoped(scene, step))


def field_values(scene: SceneSpec, step: Step) -> dict[str, Any]:
    """JSON values of what ``step`` may read, for its key. A path counts by its last component; its content is a source."""
    return {field: _plain(getattr(scene, field)) for field in sorted({*step.reads, "name"} - {"seed"})}


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.name if isinstance(value, Path) else value
