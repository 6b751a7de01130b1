"""collide: planes to slabs, clutter to convex pieces, fences at the edge of the known, and the map drawn from them all."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyra_sim.data.colliders import Collision, Hull
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.step import Step

if TYPE_CHECKING:
    from lyra_sim.collision.fences import KnownFloor
    from lyra_sim.collision.planes.plane import Plane


def run(inputs: Mapping[str, Any], cfg: SceneSpec, *, out: Path) -> Collision:
    """Hulls first, because the map must show what physics will feel; fences need a first, unfenced look at the floor."""
    from lyra_sim.collision.build import build_colliders
    from lyra_sim.navigation.build import band_of, build_navigation, draw_floor_plan

    solid, centres = inputs["mesh"], inputs["align"].cameras.centres

    def floor_plan(hulls: Sequence[Hull], floor: "Plane") -> "KnownFloor":
        from lyra_sim.collision.fences import KnownFloor

        band = band_of(floor.normal, floor.offset, cfg.robot)
        free, blocked, near, grid = draw_floor_plan(hulls, solid.free_space, centres, band=band, robot=cfg.robot)
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
        solid.mesh,
        solid.free_space,
        centres,
        config=cfg.collide,
        band_high=cfg.robot.band_high,
        floor_plan=floor_plan,
        seed=cfg.seed,
    )
    navigation = build_navigation(
        colliders.hulls,
        solid.free_space,
        centres,
        band=band_of(floor.normal, floor.offset, cfg.robot),
        robot=cfg.robot,
        config=cfg.navigate,
        seed=cfg.seed,
    )
    collision = Collision(colliders=colliders, navigation=navigation)
    collision.save(out)
    return collision


def load(folder: Path, inputs: Mapping[str, Any]) -> Collision:
    """Hulls and navigation as :func:`run` wrote them."""
    return Collision.load(folder)


STEP = Step(
    name="collide",
    version=12,
    needs=("align", "mesh"),
    reads=("collide", "robot", "navigate"),
    run=run,
    load=load,
)
