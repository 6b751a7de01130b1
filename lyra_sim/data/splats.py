"""Gaussian splats with the parameters of a 3DGS PLY (Kerbl et al. 2023), and how they are stored between steps: as that PLY."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int64

from lyra_sim.errors import GeometryError, InputError
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.geometry.spherical_harmonics import sh_rotated


@dataclass(frozen=True, kw_only=True)
class Splats:
    """Anisotropic 3D Gaussians with raw (unactivated) parameters.

    Raises:
        GeometryError: Lengths differ, a number isn't finite, or coefficients are of no degree from 0 to 3.
    """

    means: Float32[np.ndarray, "n 3"]
    """Centres [frame units; metres after align]."""
    quats_wxyz: Float32[np.ndarray, "n 4"]
    """Unit quaternions, scalar first: frame_from_gaussian."""
    log_scales: Float32[np.ndarray, "n 3"]
    """Natural log of the standard deviations along the Gaussian's own axes."""
    opacity_logits: Float32[np.ndarray, "n"]
    sh_coeffs: Float32[np.ndarray, "n k 3"]
    """Real spherical harmonics, k = (degree + 1)^2, DC first; colour = 0.5 + SH_C0 * DC."""

    def __post_init__(self) -> None:
        n = len(self.means)
        for name in ("quats_wxyz", "log_scales", "opacity_logits", "sh_coeffs"):
            values = getattr(self, name)
            if len(values) != n:
                raise GeometryError("splats", f"{name} has {len(values)} rows", expected=f"{n}, one per mean")
        for name in ("means", "quats_wxyz", "log_scales", "opacity_logits", "sh_coeffs"):
            finite = np.isfinite(getattr(self, name))
            if not finite.all():
                row = int(np.argwhere(~finite)[0][0])
                raise GeometryError("splats", f"{name} of splat {row} isn't finite", next_step="Drop such splats before use.")
        degree = round(np.sqrt(self.sh_coeffs.shape[1])) - 1
        if (degree + 1) ** 2 != self.sh_coeffs.shape[1] or not 0 <= degree <= 3:
            raise GeometryError("splats", f"{self.sh_coeffs.shape[1]} SH coefficients", expected="1, 4, 9 or 16")

    def __len__(self) -> int:
        return len(self.means)

    @property
    def sh_degree(self) -> int:
        return round(float(np.sqrt(self.sh_coeffs.shape[1]))) - 1

    @property
    def scales(self) -> Float32[np.ndarray, "n 3"]:
        """Activated: standard deviations [frame units]."""
        return np.asarray(np.exp(self.log_scales))

    @property
    def opacities(self) -> Float32[np.ndarray, "n"]:
        """Activated: 0..1."""
        return np.asarray((1.0 / (1.0 + np.exp(-self.opacity_logits))).astype(np.float32))

    def select(self, rows: Bool[np.ndarray, "n"] | Int64[np.ndarray, "_"]) -> "Splats":
        """Those of these rows, in their order."""
        return Splats(
            means=self.means[rows],
            quats_wxyz=self.quats_wxyz[rows],
            log_scales=self.log_scales[rows],
            opacity_logits=self.opacity_logits[rows],
            sh_coeffs=self.sh_coeffs[rows],
        )

    def moved(self, new_from_frame: Similarity) -> "Splats":
        """The same splats in another frame, looking from everywhere as they did."""
        from scipy.spatial.transform import Rotation

        turn = Rotation.from_matrix(new_from_frame.rotation)
        quats = (turn * Rotation.from_quat(self.quats_wxyz, scalar_first=True)).as_quat(canonical=True, scalar_first=True)
        return Splats(
            means=new_from_frame.apply(self.means).astype(np.float32),
            quats_wxyz=quats.astype(np.float32),
            log_scales=self.log_scales + np.float32(np.log(new_from_frame.scale)),
            opacity_logits=self.opacity_logits,
            sh_coeffs=sh_rotated(self.sh_coeffs, new_from_frame.rotation),
        )

    def save_ply(self, path: Path, *, comments: tuple[str, ...] = ()) -> None:
        """Standard 3DGS PLY: binary float32, ``f_rest`` channel-major, scalar-first ``rot_*``."""
        n, k, _ = self.sh_coeffs.shape
        rest = self.sh_coeffs[:, 1:].transpose(0, 2, 1).reshape(n, 3 * (k - 1))
        columns = [self.means, np.zeros((n, 3), np.float32), self.sh_coeffs[:, 0], rest]
        columns += [self.opacity_logits[:, None], self.log_scales, self.quats_wxyz]
        with path.open("wb") as file:
            file.write(_ply_header(n, k, comments))
            file.write(np.ascontiguousarray(np.concatenate(columns, axis=1), "<f4").tobytes())

    @classmethod
    def load_ply(cls, path: Path) -> "Splats":
        """Read what :meth:`save_ply` wrote without comments; files of others are read by the room ``splat_files``.

        Raises:
            InputError: It is missing, cut off, or no such file.
        """
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise InputError(str(path), "the file is missing", expected="stored splats") from error
        head, _, body = data.partition(b"end_header\n")
        counts = [int(line.split()[-1]) for line in head.split(b"\n") if line.startswith(b"element vertex ")]
        width = sum(line.startswith(b"property float ") for line in head.split(b"\n"))
        k = (width - 17) // 3 + 1
        if (
            len(counts) != 1
            or data[: len(data) - len(body)] != _ply_header(counts[0], k, ())
            or len(body) != counts[0] * width * 4
        ):
            raise InputError(
                str(path), f"{len(body)} bytes after a header", expected="splats as they are stored", likely="It is truncated."
            )
        table = np.frombuffer(body, "<f4").reshape(counts[0], width).astype(np.float32)
        rest = table[:, 9 : 9 + 3 * (k - 1)].reshape(counts[0], 3, k - 1).transpose(0, 2, 1)
        tail = np.ascontiguousarray(table[:, -8:])
        return cls(
            means=np.ascontiguousarray(table[:, :3]),
            quats_wxyz=np.ascontiguousarray(tail[:, 4:]),
            log_scales=np.ascontiguousarray(tail[:, 1:4]),
            opacity_logits=np.ascontiguousarray(tail[:, 0]),
            sh_coeffs=np.concatenate([table[:, None, 6:9], rest], axis=1),
        )


def _ply_header(n: int, k: int, comments: tuple[str, ...]) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", *(f"comment {comment}" for comment in comments), f"element vertex {n}"]
    return "\n".join([*lines, *(f"property float {name}" for name in _ply_names(k)), "end_header", ""]).encode("ascii")


def _ply_names(k: int) -> list[str]:
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"]
    names += [f"f_rest_{i}" for i in range(3 * (k - 1))]
    return [*names, "opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
