"""A 2D occupancy map with ROS map_server files, as nav2 and MobilityGen read them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from jaxtyping import Bool, Float64, Int64, UInt8
from PIL import Image

from lyra_sim.errors import InputError

OCCUPIED, UNKNOWN, FREE_CELL = 0, 127, 255
"""Grey levels of the map image; Isaac Sim writes unknown as 127 (205 would read as free in nav2). Convention."""


@dataclass(frozen=True, kw_only=True)
class OccupancyMap:
    """Cells over the floor plane; index order is x, y (not image rows)."""

    cells: UInt8[np.ndarray, "nx ny"]
    """OCCUPIED, UNKNOWN or FREE_CELL."""
    origin: Float64[np.ndarray, "2"]
    """World position of the low corner of cell (0, 0) [m]."""
    resolution: float
    """Cell edge [m]."""

    @property
    def free(self) -> Bool[np.ndarray, "nx ny"]:
        return self.cells == FREE_CELL

    def centres(self, indices: Int64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
        return self.origin + (np.asarray(indices) + 0.5) * self.resolution

    def indices(self, points: np.ndarray) -> Int64[np.ndarray, "n 2"]:
        return np.floor((np.asarray(points, np.float64)[:, :2] - self.origin) / self.resolution).astype(np.int64)

    def sample(self, points: np.ndarray) -> UInt8[np.ndarray, "n"]:
        """Cell values at world points; UNKNOWN outside the map."""
        index = self.indices(points)
        inside = ((index >= 0) & (index < self.cells.shape)).all(axis=1)
        values = np.full(len(index), UNKNOWN, np.uint8)
        values[inside] = self.cells[tuple(index[inside].T)]
        return values

    def save(self, folder: Path) -> None:
        """``map.png`` (row 0 is +y) and ``map.yaml``."""
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.ascontiguousarray(self.cells.T[::-1])).save(folder / "map.png")
        fields = {
            "image": "map.png",
            "resolution": float(self.resolution),
            "origin": [float(self.origin[0]), float(self.origin[1]), 0.0],
            "negate": 0,
            "occupied_thresh": 0.65,
            "free_thresh": 0.196,
            "mode": "trinary",
        }
        (folder / "map.yaml").write_text(yaml.safe_dump(fields, sort_keys=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "OccupancyMap":
        """Read a trinary map_server map (PNG or PGM) beside a ``map.yaml``.

        Raises:
            InputError: Either file is missing or broken, a field is missing or nonsense, or the map is turned.
        """
        try:
            fields = yaml.safe_load((folder / "map.yaml").read_text(encoding="utf-8"))
            with Image.open(folder / fields["image"]) as image:
                grey = np.asarray(image.convert("L"))
            resolution, x, y, yaw = (float(value) for value in (fields["resolution"], *fields["origin"]))
            occupied_above, free_below = float(fields["occupied_thresh"]), float(fields["free_thresh"])
            negate = bool(int(fields.get("negate", 0)))
        except (OSError, SyntaxError, KeyError, TypeError, ValueError, yaml.YAMLError, Image.DecompressionBombError) as error:
            words = " ".join(str(error).split())
            raise InputError(
                str(folder),
                f"no readable map.yaml and image ({type(error).__name__}: {words})",
                expected="a map_server map: image, resolution, origin [x, y, yaw], occupied_thresh and free_thresh",
            ) from error
        if fields.get("mode", "trinary") != "trinary":
            raise InputError(str(folder), f"map.yaml has mode {fields['mode']}", expected="trinary")
        if not (np.isfinite([resolution, x, y]).all() and resolution > 0):
            raise InputError(
                str(folder), f"map.yaml has resolution {resolution:g} and origin {x:g}, {y:g}", expected="finite, above 0"
            )
        if yaw != 0:
            raise InputError(
                str(folder),
                f"map.yaml turns its image by {yaw:g} rad",
                expected="an origin with yaw 0",
                next_step="Resample the image to an upright grid and set the third number of origin to 0.",
            )
        occupied = (grey if negate else 255 - grey.astype(np.int16)) / 255.0
        cells = np.full(grey.shape, UNKNOWN, np.uint8)
        cells[occupied > occupied_above] = OCCUPIED
        cells[occupied < free_below] = FREE_CELL
        return cls(cells=np.ascontiguousarray(cells[::-1].T), origin=np.array([x, y]), resolution=resolution)
