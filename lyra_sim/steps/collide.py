"""collide: planes to slabs, clutter to convex pieces, fences at the edge of the known, and the map drawn from them all."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lyra_sim.data.colliders import Collision, Hull
from lyra_sim.data.solid import Solid
from lyra_sim.data.world import MetricWorld
from lyra_sim.scene.spec import CollideConfig, NavigateConfig, RobotConfig
from lyra_sim.steps.step import step

if TYPE_CHECKING:
    from lyra_sim.collision.fences import KnownFloor
    from lyra_sim.collision.planes.plane import Plane


@step(version=14)
def collide(
    align: MetricWorld,
    mesh: Solid,
    *,
    collide: CollideConfig,
    robot: RobotConfig,
    navigate: NavigateConfig,
    seed: int,
    out: Path,
) -> Collision:
    """Hulls first, because the map must show what physics will feel; fences need a first, unfenced look at the floor."""
    from lyra_sim.collision.build import build_colliders
    from lyra_sim.navigation.build import band_of, build_navigation, draw_floor_plan

    centres = align.cameras.centres

    def floor_plan(hulls: Sequence[Hull], floor: "Plane") -> "KnownFloor":
        from lyra_sim.collision.fences import KnownFloor

        band = band_of(floor.normal, floor.offset, robot)
        free, blocked, near, grid = draw_floor_plan(hulls, mesh.free_space, centres, band=band, robot=robot)
        return KnownFloor(
            free=free,
            solid=blocked,
            near=near,
            origin=grid.origin,
            resolution=grid.resolution,
            floor_normal=floor.normal,
            floor_offset=floor.offset,
        )

    colliders, floor = build_colliders(
        mesh.mesh,
        mesh.free_space,
        centres,
        config=collide,
        band_high=robot.band_high,
        floor_plan=floor_plan,
        seed=seed,
    )
    navigation = build_navigation(
        colliders.hulls,
        mesh.free_space,
        centres,
        band=band_of(floor.normal, floor.offset, robot),
        robot=robot,
        config=navigate,
        seed=seed,
    )
    collision = Collision(colliders=colliders, navigation=navigation)
    collision.save(out)
    return collision
