"""What every importer is held to."""

import numpy as np

from lyra_sim.data.posed import PosedPhotos
from tests.rooms import Room


def assert_exact(posed: PosedPhotos, room: Room, kept: list[int] | None = None) -> None:
    kept = list(range(len(room.cameras))) if kept is None else kept
    assert posed.names == tuple(f"{index:04d}" for index in kept)
    np.testing.assert_allclose(posed.c2w, room.cameras.c2w[kept], atol=1e-6)
    for lens in posed.lens_index:
        np.testing.assert_allclose(posed.lenses[lens].K, room.cameras.K[0], atol=1e-6)
        assert (posed.lenses[lens].width, posed.lenses[lens].height) == (160, 120)
