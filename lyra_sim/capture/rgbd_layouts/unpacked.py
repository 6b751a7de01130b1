"""Recordings that are one file, unpacked into a folder that is then read like any other: images, depth, one camera file."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Shaped, UInt8, UInt16
from PIL import Image

from lyra_sim.capture.rgbd_layouts.recording import Parts
from lyra_sim.conventions import c2w_opengl_from_opencv
from lyra_sim.data.files import write_json

CAMERAS = "transforms.json"
"""In the folder, with the intrinsics of each frame."""


@dataclass(kw_only=True)
class Cameras:
    """Of frames, on their way into one camera file."""

    width: int
    height: int
    """Of colour [px]."""
    distortion: Float64[np.ndarray, "4"] = field(default_factory=lambda: np.zeros(4))
    """k1, k2, p1, p2."""
    frames: list[dict[str, object]] = field(default_factory=list)

    def add(self, image: str, c2w: Float64[np.ndarray, "4 4"], K: Float64[np.ndarray, "3 3"]) -> None:
        """One, by the name of its image: OpenCV axes; the top-left pixel's centre is (0.5, 0.5) [px]."""
        lens = {"fl_x": K[0, 0], "fl_y": K[1, 1], "cx": K[0, 2], "cy": K[1, 2]}
        self.frames.append({"file_path": f"rgb/{image}", "transform_matrix": c2w_opengl_from_opencv(c2w).tolist(), **lens})

    def write(self, folder: Path) -> Path:
        """The file, in a folder that is made if need be."""
        folder.mkdir(parents=True, exist_ok=True)
        lens = dict(zip(("k1", "k2", "p1", "p2"), self.distortion.tolist(), strict=True))
        write_json(folder / CAMERAS, {"w": self.width, "h": self.height, **lens, "frames": self.frames})
        return folder / CAMERAS


@dataclass(kw_only=True)
class Unpacked:
    """Frames on their way into a folder."""

    folder: Path
    cameras: Cameras
    colours: list[Path] = field(default_factory=list)
    depths: list[Path] = field(default_factory=list)
    confidences: list[Path] = field(default_factory=list)

    def add(
        self,
        name: str,
        *,
        colour: bytes | UInt8[np.ndarray, "h w 3"],
        suffix: str,
        depth: Float32[np.ndarray, "dh dw"] | UInt16[np.ndarray, "dh dw"],
        c2w: Float64[np.ndarray, "4 4"],
        K: Float64[np.ndarray, "3 3"],
        confidence: UInt8[np.ndarray, "dh dw"] | None = None,
    ) -> None:
        """Write one frame.

        Args:
            name: Its stem.
            colour: A whole JPEG or PNG, or its pixels, which are written as PNG.
            suffix: Of the colour file.
            depth: Along the optical axis; metres or counts.
            c2w: Camera to world, OpenCV axes.
            K: Of colour; the top-left pixel's centre is (0.5, 0.5) [px].
            confidence: 0 is low.
        """
        rgb, z = self.folder / "rgb" / f"{name}{suffix}", self.folder / "depth" / f"{name}"
        for path in (rgb, z):
            path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(colour, bytes):
            rgb.write_bytes(colour)
        else:
            Image.fromarray(colour).save(rgb, compress_level=1)
        self.colours.append(rgb)
        self.depths.append(_write_depth(z, depth))
        if confidence is not None:
            path = self.folder / "confidence" / f"{name}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(confidence).save(path, compress_level=1)
            self.confidences.append(path)
        self.cameras.add(rgb.name, c2w, K)

    def parts(
        self, layout: str, *, unit: float | str, cameras_said: str = "", unit_said: str = "", remarks: tuple[str, ...] = ()
    ) -> Parts:
        """What was written, as a layout's."""
        order = sorted(range(len(self.colours)), key=lambda index: self.colours[index].name)
        return Parts(
            layout=layout,
            colours=tuple(self.colours[index] for index in order),
            depths=tuple(self.depths[index] for index in order),
            paired=True,
            cameras=self.cameras.write(self.folder),
            depth_unit=unit,
            confidences=tuple(self.confidences),
            cameras_said=cameras_said,
            unit_said=unit_said,
            remarks=remarks,
        )


def thinned(count: int, most: int) -> tuple[range, tuple[str, ...]]:
    """Which of ``count`` frames are taken where ``most`` may be, and what is to be told of it."""
    every = max(1, -(-count // most))
    if every == 1:
        return range(count), ()
    taken = range(0, count, every)
    return taken, (f"{len(taken)} of {count} frames are read, one of {every}: capture.max_views is {most}",)


def _write_depth(stem: Path, depth: Shaped[np.ndarray, "dh dw"]) -> Path:
    if depth.dtype.kind == "f":
        path = stem.with_name(f"{stem.name}.npy")
        np.save(path, depth)
    else:
        path = stem.with_name(f"{stem.name}.png")
        Image.fromarray(depth).save(path, compress_level=1)
    return path
