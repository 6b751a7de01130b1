"""Isaac Sim and Isaac Lab: the USD package, and the same world in plain formats beside it."""

from pathlib import Path

from lyra_sim.data.colliders import Colliders
from lyra_sim.data.mesh import Texture, TriMesh
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.stage import StageBundle
from lyra_sim.data.video import WalkFacts
from lyra_sim.data.world import MetricWorld
from lyra_sim.exporters.glb import write_hulls_glb, write_mesh_glb
from lyra_sim.usd.degeneracies import with_parted_vertices
from lyra_sim.usd.package import write_package


def export(
    world: MetricWorld,
    mesh: TriMesh,
    colliders: Colliders,
    navigation: Navigation,
    *,
    name: str,
    out: Path,
    texture: Texture | None = None,
    half_splats: bool = False,
    usdz: bool = False,
    drawn: WalkFacts | None = None,
) -> StageBundle:
    """Write ``out/world/`` (:mod:`lyra_sim.usd.package`) and ``out/exports/{splats.ply,mesh.glb,hulls.glb}``.

    Everything is in the metric world (z-up); the GLBs are y-up, as their format demands.

    Args:
        world: With the splats.
        mesh: Closed surface.
        colliders: Hulls, and a label a face.
        navigation: Map, poses and routes.
        name: Of the scene.
        out: Folder of the step.
        texture: Of the seen faces, if there is one.
        half_splats: Write the splats in half precision as well.
        usdz: Write the package as one file as well.
        drawn: Facts of the video whose frames were added; None: photos alone.
    """
    bundle = StageBundle(folder=out)
    write_package(
        bundle.world,
        name=name,
        world=world,
        mesh=mesh,
        colliders=colliders,
        navigation=navigation,
        texture=texture,
        half_splats=half_splats,
        usdz=usdz,
        drawn=drawn,
    )
    bundle.exports.mkdir(parents=True, exist_ok=True)
    world.splats.save_ply(bundle.exports / "splats.ply")
    # two vertices in one place would be one to a reader that merges by position, and the surface no longer closed
    write_mesh_glb(bundle.exports / "mesh.glb", with_parted_vertices(mesh), texture)
    write_hulls_glb(bundle.exports / "hulls.glb", colliders.hulls)
    return bundle
