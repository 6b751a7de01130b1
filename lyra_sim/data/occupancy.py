"""A 2D occupancy map with ROS map_server files, as nav2 and MobilityGen read them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from jaxtyping import Bool, Float64, Int64, UInt8
from PIL import Image

from lyra_sim.errors import InputError

OCCUPIED, UNKNOWN, FREE_CELL = 0, 127, 255
"""Grey levels of the map image; Isaac Sim writes unknown as 127 (205 would read as free in nav2)."""


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
        """Read any trinary map_server map (PNG or PGM) beside a ``map.yaml``."""
        try:
            fields = yaml.safe_load((folder / "map.yaml").read_text(encoding="utf-8"))
            with Image.open(folder / fields["image"]) as image:
                grey = np.asarray(image.convert("L"))
        except (FileNotFoundError, KeyError, TypeError) as error:
            raise InputError(str(folder), f"no readable map.yaml and image ({error})", expected="a map_server map") from error
        occupied = (grey if fields.get("negate") else 255 - grey.astype(np.int16)) / 255.0
        cells = np.full(grey.shape, UNKNOWN, np.uint8)
        cells[occupied > fields["occupied_thresh"]] = OCCUPIED
        cells[occupied < fields["free_thresh"]] = FREE_CELL
        origin = np.array(fields["origin"][:2], np.float64)
        return cls(cells=np.ascontiguousarray(cells[::-1].T), origin=origin, resolution=float(fields["resolution"]))
