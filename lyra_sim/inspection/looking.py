"""From a path to findings: told, read, doubted; an error that a build would end with is one of the findings."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lyra_sim.capture.frame.stated import Stated
from lyra_sim.errors import InputError, LyraSimError
from lyra_sim.inspection.findings import Inspection, Refusal, Verdict
from lyra_sim.inspection.formats import variant_of
from lyra_sim.inspection.found import Found
from lyra_sim.inspection.scenes import scene_file_text, scene_layer, with_guesses
from lyra_sim.inspection.telling import Told, tell
from lyra_sim.scene.sources import RgbdSource, SplatsSource, SurfaceSource, VideoSource
from lyra_sim.scene.spec import SceneSpec


def inspect_path(path: Path, *, overrides: Sequence[str] = (), whole: bool = False) -> Inspection:
    """What a path is, how a build would read it, and what it would say; nothing is written but to a temporary folder.

    Args:
        path: A file or folder of any kind.
        overrides: ``key=value`` of the scene, as ``build --set`` has them without ``scenes.NAME.``.
        whole: Decode every photo of a set.

    Raises:
        SpecError: An override is wrong.
    """
    refusal: Refusal | None = None
    try:
        told = tell(path)
    except (LyraSimError, OSError) as error:
        refusal = Refusal.of(_ours(error, path))
        return Inspection(path=str(path), what=refusal.found, verdict="refused", refusal=refusal)
    layer, scene = scene_layer(path, told.source, overrides)
    found = Found()
    try:
        with TemporaryDirectory(prefix="lyra-sim-") as folder:
            _look(scene, found, whole=whole, scratch=Path(folder))
    except (LyraSimError, OSError) as error:
        refusal = Refusal.of(_ours(error, path))
    return _inspection(path, told, layer, scene, found, refusal)


def _look(scene: SceneSpec, found: Found, *, whole: bool, scratch: Path) -> None:
    limits, source = scene.capture, scene.source
    stated = Stated(scene=scene.name, scale=scene.scale, up=scene.up, assumed_camera_height=limits.assumed_camera_height)
    match source:
        case RgbdSource():
            from lyra_sim.inspection.of_recordings import look_at_recording

            look_at_recording(source, stated, limits, found, scratch=scratch)
        case SurfaceSource() | SplatsSource():
            from lyra_sim.inspection.of_geometry import look_at_geometry

            look_at_geometry(source, stated, scene.seed, found)
        case VideoSource():
            from lyra_sim.inspection.of_pictures import look_at_video

            look_at_video(source, stated, limits, found)
        case _:
            from lyra_sim.inspection.of_pictures import look_at_photos

            look_at_photos(source, stated, limits, found, whole=whole, scratch=scratch)


def _inspection(
    path: Path, told: Told, layer: dict[str, Any], scene: SceneSpec, found: Found, refusal: Refusal | None
) -> Inspection:
    said = [line for one in found.readings for line in (one.format, *one.remarks)]
    verdict: Verdict = "refused" if refusal is not None else "needs" if found.asks else "read"
    return Inspection(
        path=str(path),
        what=told.what,
        verdict=verdict,
        source=scene.source.key,
        formats=tuple(variant_of(key, said) for key in told.formats),
        readings=found.readings,
        facts=found.facts,
        frame=found.frame,
        doubts=found.doubts,
        told=found.told,
        unchecked=found.unchecked,
        asks=found.asks,
        refusal=refusal,
        also=told.also,
        scene=with_guesses(layer, found.asks),
        scene_file=scene_file_text(layer, found.asks),
    )


def _ours(error: LyraSimError | OSError, path: Path) -> LyraSimError:
    """What the file system says, as an error of ours."""
    if isinstance(error, LyraSimError):
        return error
    return InputError(
        str(error.filename or path), f"it can't be read ({error.strerror or error})", expected="files that may be read"
    )
