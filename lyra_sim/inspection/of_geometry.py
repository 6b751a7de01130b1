"""Meshes and splats: read whole, moved into the frame that is stated or guessed, and doubted as a build does."""

from collections.abc import Sequence
from dataclasses import replace

from lyra_sim.capture.frame.stated import Stated
from lyra_sim.capture.given_geometry import GivenPlace, find_footing, place_of_meshes, place_of_splats
from lyra_sim.capture.survey.painting import ReadMesh
from lyra_sim.data.given import ReadingNotes
from lyra_sim.errors import FrameError, GeometryError, InputError
from lyra_sim.inspection.findings import Asked, Doubt, Frame, Reading
from lyra_sim.inspection.found import Found
from lyra_sim.scene.sources import SplatsSource, SurfaceSource, Up
from lyra_sim.splat_files.sound import Reading as SplatReading

AXES: tuple[Up, ...] = ("x", "y", "z", "-x", "-y", "-z")
NOT_LOOKED_AT = "how much of it virtual cameras see, and what a robot may drive on"


def look_at_geometry(source: SurfaceSource | SplatsSource, stated: Stated, seed: int, found: Found) -> None:
    """Fill ``found``; what nothing says of up and scale is asked for, and guessed to go on.

    Raises:
        LyraSimError: A build would end with it.
    """
    from lyra_sim.usd.any_mesh import read_any_mesh

    read: list[ReadMesh] | SplatReading
    if isinstance(source, SurfaceSource):
        read = [read_any_mesh(path) for path in source.files]
        _account(found, [one.notes for one in read])
        found.facts |= {"triangles": sum(len(one.mesh.faces) for one in read)}
        found.facts |= {"images": sum(len(one.mesh.images) for one in read)}
        units, ups = {one.metres_per_unit for one in read}, {one.up for one in read}
    else:
        from lyra_sim.capture.survey.splat_surface import read_given_splats

        read = read_given_splats(source.file)
        _account(found, [read.notes])
        found.facts |= {"splats": len(read.splats)}
        units, ups = {None}, {None}
    found.unchecked += (NOT_LOOKED_AT,)
    stated = _with_scale(stated, asked=stated.scale == "auto" and units == {None}, found=found)
    if stated.scale == "unknown" or stated.up != "auto" or ups != {None}:
        place = _place(read, source, stated, seed)
        _take_up(place, found)
        _stand(place, found)
        return
    place = _place(read, source, replace(stated, up="z"), seed)
    axes = place.axes()
    likeliest = max(AXES, key=lambda axis: axes[axis].score)
    why = "the file doesn't say: of six axes this fits a place to stand in best"
    found.asks += (Asked(key="up", guess=likeliest, why=why),)
    place = place if likeliest == "z" else _place(read, source, replace(stated, up=likeliest), seed)
    _take_up(place, found)
    try:
        _stand(place, found)
    except (FrameError, GeometryError, InputError) as error:  # of what was guessed here: stated otherwise it may hold
        found.doubts += (Doubt(about="the frame that was guessed", outcome="refused", said=str(error)),)


def _with_scale(stated: Stated, *, asked: bool, found: Found) -> Stated:
    if not asked:
        return stated
    why = "the file doesn't say how long its unit is: a metre, or {metres_per_unit: …}"
    found.asks += (Asked(key="scale", guess="metric", why=why),)
    return replace(stated, scale="metric")


def _place(read: list[ReadMesh] | SplatReading, source: SurfaceSource | SplatsSource, stated: Stated, seed: int) -> GivenPlace:
    if isinstance(source, SurfaceSource):
        assert isinstance(read, list)
        return place_of_meshes(read, source, stated, seed=seed)
    assert isinstance(read, SplatReading)
    return place_of_splats(read, source, stated, seed=seed)


def _take_up(place: GivenPlace, found: Found) -> None:
    """What the place itself tells, with what lies beyond it."""
    _account(found, place.facts.reading)
    low, high = place.samples.min(axis=0), place.samples.max(axis=0)
    found.facts["size [m]"] = " x ".join(f"{side:.3g}" for side in high - low)
    guessed = {ask.key for ask in found.asks}
    frame = Frame.of(place.frame[2], place.frame[1])
    said = {"up": frame.up, "scale": frame.scale}
    found.frame = frame.model_copy(
        update={key: value.replace("declared", "guessed") for key, value in said.items() if key in guessed}
    )


def _stand(place: GivenPlace, found: Found) -> None:
    standing = find_footing(place)
    if standing is None:
        found.doubts += (Doubt(about="up", outcome="held", said="no other axis fits clearly better"),)
        return
    facts = standing.facts
    found.facts |= {"floor to stand on [m²]": round(facts.standing_area_m2, 2), "places to stand": facts.places}
    said = "no other axis fits clearly better" if place.source.start is None else "the stated start settles it"
    around = f"with something around in {facts.enclosed_share:.0%} of the directions"
    found.doubts += (
        Doubt(about="up", outcome="held", said=said),
        Doubt(about="a floor inside", outcome="held", said=f"{facts.standing_area_m2:.3g} m² to stand on, {around}"),
    )


def _account(found: Found, notes: Sequence[ReadingNotes]) -> None:
    found.readings = tuple(map(Reading.of, notes))
