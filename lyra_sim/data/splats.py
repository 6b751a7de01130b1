"""Gaussian splats as the 3DGS PLY stores them (Kerbl et al. 2023), and that file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

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
        return round(np.sqrt(self.sh_coeffs.shape[1])) - 1

    @property
    def scales(self) -> Float32[np.ndarray, "n 3"]:
        """Activated: standard deviations [frame units]."""
        return np.exp(self.log_scales)

    @property
    def opacities(self) -> Float32[np.ndarray, "n"]:
        """Activated: 0..1."""
        return (1.0 / (1.0 + np.exp(-self.opacity_logits))).astype(np.float32)

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

    def save_ply(self, path: Path) -> None:
        """Standard 3DGS PLY: binary float32, ``f_rest`` channel-major, scalar-first ``rot_*``."""
        n, k, _ = self.sh_coeffs.shape
        rest = self.sh_coeffs[:, 1:].transpose(0, 2, 1).reshape(n, 3 * (k - 1))
        columns = [self.means, np.zeros((n, 3), np.float32), self.sh_coeffs[:, 0], rest]
        columns += [self.opacity_logits[:, None], self.log_scales, self.quats_wxyz]
        header = ["ply", "format binary_little_endian 1.0", f"element vertex {n}"]
        header += [f"property float {name}" for name in _ply_names(k)] + ["end_header", ""]
        with path.open("wb") as file:
            file.write("\n".join(header).encode("ascii"))
            file.write(np.ascontiguousarray(np.concatenate(columns, axis=1), "<f4").tobytes())

    @classmethod
    def load_ply(cls, path: Path) -> "Splats":
        """Read a 3DGS PLY of any SH degree; property order is free, extra float properties are ignored.

        Raises:
            InputError: It is missing, no binary 3DGS PLY, or cut off.
        """
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise InputError(str(path), "the file is missing", expected="a 3DGS PLY") from error
        head, found, body = data.partition(b"end_header\n")
        lines = head.decode("ascii", "replace").split("\n")
        if not found or lines[0].strip() != "ply" or "format binary_little_endian 1.0" not in lines:
            raise InputError(str(path), "not a binary little-endian PLY", expected="a 3DGS PLY as splat trainers write it")
        names = [line.split()[-1] for line in lines if line.startswith("property float ")]
        counts = [int(line.split()[-1]) for line in lines if line.startswith("element vertex ")]
        if len(counts) != 1 or len(body) != counts[0] * len(names) * 4:
            raise InputError(str(path), f"{len(body)} bytes of data", expected=f"{counts} vertices of {len(names)} floats")
        table = dict(zip(names, np.frombuffer(body, "<f4").reshape(counts[0], len(names)).T, strict=True))
        k = sum(name.startswith("f_rest_") for name in names) // 3 + 1
        missing = [name for name in _ply_names(k) if name not in table and not name.startswith("n")]
        if missing:
            raise InputError(
                str(path), f"no property {missing[0]}", expected="the 3DGS properties", likely="A plain point cloud."
            )
        take = lambda *columns: np.stack([table[column] for column in columns], axis=1).astype(np.float32)  # noqa: E731
        rest = (
            take(*[f"f_rest_{i}" for i in range(3 * (k - 1))]).reshape(-1, 3, k - 1)
            if k > 1
            else np.zeros((counts[0], 3, 0), np.float32)
        )
        dc = take("f_dc_0", "f_dc_1", "f_dc_2")
        return cls(
            means=take("x", "y", "z"),
            quats_wxyz=take("rot_0", "rot_1", "rot_2", "rot_3"),
            log_scales=take("scale_0", "scale_1", "scale_2"),
            opacity_logits=table["opacity"].astype(np.float32),
            sh_coeffs=np.ascontiguousarray(np.concatenate([dc[:, None], rest.transpose(0, 2, 1)], axis=1)),
        )


def _ply_names(k: int) -> list[str]:
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"]
    names += [f"f_rest_{i}" for i in range(3 * (k - 1))]
    return [*names, "opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
