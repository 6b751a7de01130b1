"""A package read back into what can be measured anew: nothing but what lies in its folder, and nothing it says of its worth."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pxr import Usd

from lyra_sim.data.colliders import Hull
from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.navigation import Navigation, Route
from lyra_sim.data.occupancy import OccupancyMap
from lyra_sim.data.splats import Splats
from lyra_sim.data.world import HeldOut
from lyra_sim.errors import FrameError, GeometryError, InputError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.usd.manifest import ONE_PHOTO
from lyra_sim.usd.published.cameras import read_cameras
from lyra_sim.usd.published.hulls import read_hulls, read_visual, seen_part
from lyra_sim.usd.published.place import MANIFEST, Place, check_layers
from lyra_sim.usd.published.splats import read_package_splats
from lyra_sim.usd.rules.stage_view import View


@dataclass(frozen=True, kw_only=True)
class Package:
    """What a package holds, in its own world: metres, z up."""

    place: Place
    name: str
    """Of the scene."""
    hulls: tuple[Hull, ...]
    """In the order of the stage."""
    guessed: bool
    """All its geometry is an estimate from one photo."""
    unread: tuple[str, ...]
    """Colliders that aren't hulls, by path: they stand in the way and take part in no figure about hulls."""
    visual: TriMesh | None
    """The visual mesh, without colours."""
    splats: Splats | None
    navigation: Navigation
    """As it is promised: map, poses, probes and routes. What follows from these is left empty."""
    view_names: tuple[str, ...]
    """Of the views it was built from."""
    cameras: CameraPath
    """Where those stood [m]."""
    held_out: HeldOut | None
    """Views that were kept out of it; None without any, and of packages that an older lyra-sim wrote."""
    world_from_input: Similarity
    """Takes coordinates of the scene's input files to this world."""

    @property
    def surface(self) -> TriMesh | None:
        """The seen part of the visual mesh."""
        return seen_part(self.visual)


def read_package(place: Place) -> Package:
    """Everything that can be measured anew.

    Raises:
        InputError: A file of it is missing, damaged, or by a version that wrote less.
    """
    check_layers(place)
    stage = Usd.Stage.Open(str(place.stage))
    view = View(stage=stage, path=place.stage, variant="default")
    try:
        hulls, unread = read_hulls(view)
        visual = read_visual(view)
    except (GeometryError, IndexError, ValueError) as error:
        raise InputError(
            str(place.stage), f"its meshes can't be read ({error})", next_step="lyra-sim validate tells which."
        ) from error
    names, cameras, held_out = read_cameras(place.folder)
    facts, file = place.manifest, place.folder / MANIFEST
    occupancy = OccupancyMap.load(place.folder / "occupancy_map")
    try:
        return Package(
            place=place,
            name=str(facts["name"]),
            hulls=hulls,
            guessed=facts["provenance"]["source"] == ONE_PHOTO,
            unread=unread,
            visual=visual,
            splats=read_package_splats(place.folder),
            navigation=_navigation(facts, occupancy),
            view_names=names,
            cameras=cameras,
            held_out=held_out,
            world_from_input=Similarity.from_matrix(np.array(facts["world_from_input"], np.float64).reshape(4, 4)),
        )
    except KeyError as error:
        raise InputError(
            str(file),
            f"no {error.args[0]} in it",
            likely="An older lyra-sim wrote the package.",
            next_step="Build it again: lyra-sim build SCENES.yaml --from author.",
        ) from error
    except (TypeError, ValueError, IndexError, FrameError, GeometryError) as error:
        raise InputError(str(file), f"not a readable manifest ({type(error).__name__}: {error})") from error


def _navigation(facts: dict[str, Any], occupancy: OccupancyMap) -> Navigation:
    probes = np.array([[row["x"], row["y"], row["floor_z"], row["room"]] for row in facts["probes"]], np.float64).reshape(-1, 4)
    low, high = facts["robot_band"]
    navigation = Navigation(
        occupancy=occupancy,
        robot_radius=float(facts["robot_radius"]),
        reachable_area=0.0,
        spawns=np.array([[row["x"], row["y"], row["yaw"]] for row in facts["spawns"]], np.float64).reshape(-1, 3),
        probes=probes[:, :3],
        probe_room=probes[:, 3],
        routes=tuple(
            Route(name=str(row["name"]), waypoints=np.array(row["waypoints"], np.float64).reshape(-1, 2))
            for row in facts["routes"]
        ),
        floor=np.array(facts["floor"], np.float64).reshape(3),
        band=(float(low), float(high)),
    )
    numbers = [navigation.spawns, navigation.probes, navigation.probe_room, navigation.floor, np.array(navigation.band)]
    numbers += [route.waypoints for route in navigation.routes]
    if not all(np.isfinite(values).all() for values in numbers) or not navigation.robot_radius > 0 or not low < high:
        raise ValueError("poses, routes, floor or robot with numbers that can't be")
    if any(len(route.waypoints) < 2 for route in navigation.routes):
        raise ValueError("a route of fewer than two points")
    return navigation
