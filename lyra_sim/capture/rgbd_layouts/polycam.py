"""Polycam's raw export (ARKit): keyframes/ with images, cameras, depth of 256x192 pixels and its confidence."""

from pathlib import Path

from lyra_sim.capture.rgbd_layouts.folders import Inside
from lyra_sim.capture.rgbd_layouts.recording import Parts

HOLDS = "keyframes/ with images/, cameras/, depth/, confidence/"


def fits(folder: Path) -> bool:
    """Whether a folder is laid out so; its ``keyframes`` alone is, too."""
    base = _base(folder)
    return (
        any((base / f"{word}cameras").is_dir() and (base / f"{word}images").is_dir() for word in ("", "corrected_"))
        and (base / "depth").is_dir()
    )


def parts(inside: Inside) -> Parts:
    """What lies in it. Polycam's own correction of the cameras counts, where it ran."""
    base = Inside(folder=_base(inside.folder), limits=inside.limits)
    corrected = base.has("corrected_cameras") and base.has("corrected_images")
    word = "corrected_" if corrected else ""
    confidences = base.folder / "confidence"
    said = "cameras as Polycam corrected them" if corrected else "cameras as ARKit tracked them: the export has none corrected"
    return Parts(
        layout="Polycam raw data",
        colours=base.colours(f"{word}images"),
        depths=base.depths("depth"),
        cameras=base.folder / f"{word}cameras",
        depth_unit="mm",
        confidences=tuple(sorted(confidences.glob("*.png"))) if confidences.is_dir() else (),
        cameras_said=said,
    )


def _base(folder: Path) -> Path:
    return folder / "keyframes" if (folder / "keyframes").is_dir() else folder
