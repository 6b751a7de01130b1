"""What a path is and what a build would make of it: told by content, read and doubted by the build's own code."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from lyra_sim.errors import LyraSimError, SpecError
from lyra_sim.inspection.findings import Inspection
from lyra_sim.inspection.formats import ROWS
from lyra_sim.inspection.looking import inspect_path
from lyra_sim.inspection.of_pictures import spread
from lyra_sim.scene.scene_file import load_scenes
from lyra_sim.splat_files.writing import write_splats
from lyra_sim.steps.capture import capture
from tests.capture.cameras.test_colmap_models import write_colmap
from tests.capture.given_rooms import mesh_of, splats_of, write_spz
from tests.capture.intake.test_panoramas import room_panorama
from tests.capture.intake.test_video import film
from tests.capture.intake.test_video import write as write_video
from tests.capture.recorded_layouts import WRITERS, walk
from tests.rooms import Room, furnished_room
from tests.splat_files.clouds import cloud, columns_of, write_columns


@pytest.fixture(scope="module")
def room() -> Room:
    return furnished_room(views=2)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base, walked = tmp_path_factory.mktemp("recorded"), walk()
    for name, write in WRITERS.items():
        (base / name / "scan").mkdir(parents=True)
        write(base / name / "scan", walked)
    return {name: base / name / "scan" for name in WRITERS}


def built(found: Inspection, tmp_path: Path) -> LyraSimError | None:
    """The error of the build's capture step on the very scene file that inspect gives; None where it reads it."""
    assert found.scene_file is not None
    (tmp_path / "scenes.yaml").write_text(found.scene_file, encoding="utf-8")
    (scene,) = load_scenes(tmp_path / "scenes.yaml")
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    try:
        capture.run(scene.model_copy(update={"source": few_views(scene.source)}), {}, out=tmp_path / "out")
    except LyraSimError as error:
        return error
    return None


def few_views(source):
    return source.model_copy(update={"views": 12}) if "views" in type(source).model_fields else source


def lines_of(found: Inspection) -> list[str]:
    return [line for reading in found.readings for line in reading.notes.lines]


@pytest.mark.parametrize("name", WRITERS)
def test_a_recording_is_told_read_and_doubted_as_a_build_does(name: str, recorded: dict[str, Path], tmp_path: Path) -> None:
    found = inspect_path(recorded[name])
    assert (found.verdict, found.source, found.formats) == ("read", "rgbd", (f"rgbd.{name}",))
    assert found.frame is not None and found.frame.up == "mean camera up"
    assert built(found, tmp_path) is None
    told = json.loads((tmp_path / "out" / "capture.json").read_text())["reading"]
    said = [line for line in told[0]["remarks"] if "dropped for its low confidence" not in line]
    assert set(said) <= set(found.readings[0].remarks), "what a build tells, in its words"
    doubts = {doubt.about: doubt for doubt in found.doubts}
    assert doubts["cameras and depth"].outcome in ("held", "nothing to tell by")


def test_a_recording_that_contradicts_itself_is_refused_in_the_builds_words(tiny_room_files: Path, tmp_path: Path) -> None:
    assert inspect_path(tiny_room_files).doubts[0].outcome == "held"
    found = inspect_path(tiny_room_files, overrides=("rgbd.axes=opencv",))
    assert found.verdict == "refused" and found.refusal is not None and found.exit_code == 1
    error = built(found, tmp_path)
    assert error is not None
    assert (type(error).__name__, str(error)) == (found.refusal.error, found.refusal.text.partition(": ")[2])


def test_frames_that_no_doubt_compares_are_not_decoded(tmp_path: Path) -> None:
    """Of 400 frames most are broken, beyond those that a build compares; it would find out, and this says that it didn't."""
    scan = tmp_path / "scan"
    scan.mkdir()
    WRITERS["transforms"](scan, walk(3))
    facts = json.loads((scan / "transforms.json").read_text())
    frames = facts["frames"]
    for index in range(3, 400):
        name, depth = f"images/{index:03d}.png", f"depth/d{index:03d}.npy"
        shutil.copy(scan / frames[index % 3]["file_path"], scan / name)
        shutil.copy(scan / frames[index % 3]["depth_file_path"], scan / depth)
        frames.append({**frames[index % 3], "file_path": name, "depth_file_path": depth})
    (scan / "transforms.json").write_text(json.dumps(facts))
    found = inspect_path(scan)
    assert found.verdict == "read", found.refusal
    (unchecked,) = found.unchecked
    left = int(unchecked.split()[0])
    assert 200 < left < 400 and "of 400 frames" in unchecked


def test_a_mesh_that_says_nothing_of_its_frame_asks_and_guesses(room: Room, tmp_path: Path) -> None:
    mesh_of(room).export(tmp_path / "room.obj")
    found = inspect_path(tmp_path / "room.obj")
    assert (found.verdict, found.exit_code, found.formats) == ("needs", 0, ("mesh.OBJ",))
    assert {ask.key: ask.guess for ask in found.asks} == {"scale": "metric", "up": "z"}
    assert found.frame is not None and found.frame.up == "guessed z" and found.frame.scale == "guessed metric"
    assert found.facts["triangles"] == len(mesh_of(room).faces) and found.facts["places to stand"] > 10
    assert built(found, tmp_path) is None
    assert found.scene_file is not None and "# the file doesn't say" in found.scene_file


def test_a_guess_that_a_doubt_contradicts_is_shown_and_not_a_refusal(room: Room, tmp_path: Path) -> None:
    mesh = mesh_of(room)
    mesh.apply_scale(0.01)  # as metres it is a doll's house
    mesh.export(tmp_path / "room.ply")
    found = inspect_path(tmp_path / "room.ply")
    assert found.verdict == "needs"
    assert any(doubt.outcome == "refused" and "no floor" in doubt.said for doubt in found.doubts)
    right = inspect_path(tmp_path / "room.ply", overrides=("scale={metres_per_unit: 100}", "up=z"))
    assert right.verdict == "read" and right.frame is not None and right.frame.metres_per_unit == 100


def test_a_stated_axis_is_doubted_as_in_a_build(room: Room, tmp_path: Path) -> None:
    mesh_of(room).export(tmp_path / "room.glb")  # glTF is y up, and this isn't
    found = inspect_path(tmp_path / "room.glb")
    assert found.verdict == "refused" and found.refusal is not None and found.refusal.error == "FrameError"
    error = built(found, tmp_path)
    assert error is not None and found.refusal.text.endswith(str(error))
    assert inspect_path(tmp_path / "room.glb", overrides=("up=z",)).verdict == "read"


@pytest.mark.parametrize("name", ["room.spz", "room.ply", "room.splat"])
def test_splats_are_told_by_content(room: Room, tmp_path: Path, name: str) -> None:
    splats = splats_of(room)
    path = tmp_path / name.replace("spz", "bin").replace("splat", "dat")  # whatever they are called
    if name.endswith("spz"):
        write_spz(path, splats)
    elif name.endswith("ply"):
        splats.save_ply(path)
    else:
        write_splats(splats, path.with_name("a.splat"))
        path.with_name("a.splat").rename(path)
    if name.endswith("spz"):  # .bin is what COLMAP's files are called
        path = path.rename(path.with_suffix(".scan"))
    found = inspect_path(path)
    assert (found.source, found.verdict, found.facts["splats"]) == ("splats", "needs", len(splats))
    assert {ask.key for ask in found.asks} == {"scale", "up"}


def test_a_version_that_nobody_confirmed_is_no_other_one(room: Room, tmp_path: Path) -> None:
    for version, row in ((2, "splats.SPZ, version 2"), (3, "splats.SPZ")):
        write_spz(tmp_path / "a.spz", splats_of(room), version=version)
        assert inspect_path(tmp_path / "a.spz").formats == (row,)
    filtered = {**columns_of(cloud(60)), "filter_3D": np.full(60, 0.01, np.float32)}
    write_columns(tmp_path / "a.ply", filtered)
    assert inspect_path(tmp_path / "a.ply").formats == ("splats.3DGS PLY, variants",)


def test_a_point_cloud_is_refused_by_the_readers_own_error(tmp_path: Path) -> None:
    header = "ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
    (tmp_path / "points.ply").write_text(header + "0 0 0\n1 1 1\n")
    found = inspect_path(tmp_path / "points.ply")
    assert found.verdict == "refused" and found.refusal is not None and "a point cloud: 2 points" in found.refusal.found


def pictures(folder: Path, count: int, size: tuple[int, int] = (64, 48)) -> Path:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(3)
    for index in range(count):
        Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), np.uint8)).save(folder / f"{index:03d}.jpg")
    return folder


def test_photos_are_judged_as_a_set(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "photos", 6)
    shutil.copy(folder / "000.jpg", folder / "twice.jpg")
    (folder / "broken.jpg").write_bytes((folder / "001.jpg").read_bytes()[:200])
    found = inspect_path(folder)
    assert (found.verdict, found.source, found.facts["photos"]) == ("read", "photos", 8)
    assert found.formats == ("photos.JPEG",)
    assert any("the same bytes as 000.jpg" in line for line in lines_of(found))
    assert any("broken.jpg" in line for line in lines_of(found))
    assert found.readings[0].taken == {"photos": 6}
    assert next(doubt.said for doubt in found.doubts if doubt.about == "scale").startswith(
        "a camera height of 1.5 m would be assumed"
    )
    assert any("structure from motion" in line for line in found.unchecked)


def test_a_large_set_is_decoded_in_part_unless_all_is_asked_for(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "photos", 120)
    (folder / "001.jpg").write_bytes(b"\xff\xd8\xff broken")
    found = inspect_path(folder)
    assert found.facts["photos decoded"] == 48 and any("72 of 120 photos" in line for line in found.unchecked)
    whole = inspect_path(folder, whole=True)
    assert "photos decoded" not in whole.facts and whole.readings[0].left_out[0].count == 1


def test_one_left_of_several_is_refused_as_in_a_build(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "photos", 1)
    shutil.copy(folder / "000.jpg", folder / "twice.jpg")
    found = inspect_path(folder)
    assert found.verdict == "refused" and found.refusal is not None
    assert str(built(found, tmp_path)) == found.refusal.text.partition(": ")[2]


def test_one_photo_is_a_guessed_room(tmp_path: Path) -> None:
    found = inspect_path(pictures(tmp_path / "photos", 1) / "000.jpg")
    assert found.verdict == "read" and found.what == "one photo (JPEG)"
    assert found.frame is not None and found.frame.assumed
    assert any("nothing in it was measured" in line for line in found.told)


def test_scales_that_cannot_hold_are_refused_before_anything_is_found(tmp_path: Path) -> None:
    found = inspect_path(pictures(tmp_path / "photos", 3), overrides=("scale=metric",))
    assert found.verdict == "refused" and found.exit_code == 2


def test_a_video_is_told_by_its_packets(tmp_path: Path) -> None:
    written = write_video(tmp_path / "a.mp4", film(40)).rename(tmp_path / "walk.jpg")  # a name lies
    found = inspect_path(written)
    assert (found.verdict, found.source, found.formats) == ("read", "video", ("video.mov",))
    assert found.facts["frames in it"] == 40 and found.facts["image size [px]"] == "160x120"


def test_a_panorama_is_refused_as_in_a_build(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(3):
        Image.fromarray(np.roll(np.asarray(room_panorama()), 200 * index, axis=1)).save(folder / f"{index}.png")
    found = inspect_path(folder)
    assert found.verdict == "refused" and found.refusal is not None
    assert str(built(found, tmp_path)) == found.refusal.text.partition(": ")[2]
    assert inspect_path(folder, overrides=("photos.projection=pinhole",)).verdict == "read"


@pytest.fixture
def posed(tiny_room_files: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_room_files, tmp_path / "posed"))


def test_a_colmap_model_and_its_images_are_found(posed: Path, tiny_room: Room) -> None:
    write_colmap(posed, tiny_room, binary=True)
    shutil.rmtree(posed / "depth_mm", ignore_errors=True)
    for path in (posed / "sparse", posed):
        found = inspect_path(path)
        assert (found.verdict, found.source, found.formats) == ("read", "colmap", ("posed.colmap, before 4",)), found.refusal
        assert found.facts["photos with a camera"] == found.facts["photos"] == 36
        assert found.scene is not None and found.scene["colmap"]["images"] == str(posed / "rgb")
    assert any("transforms.json" in other for other in found.also)
    (posed / "sparse" / "images.bin").write_bytes((posed / "sparse" / "images.bin").read_bytes()[:-9])
    cut = inspect_path(posed / "sparse")
    assert cut.verdict == "refused" and cut.refusal is not None and "records end beyond the file" in cut.refusal.found


def test_a_transforms_file_without_depth_is_posed_photos(posed: Path) -> None:
    for folder in posed.iterdir():
        if folder.is_dir() and folder.name.startswith("depth"):
            shutil.rmtree(folder)
    for path in (posed, posed / "transforms.json"):
        found = inspect_path(path)
        assert (found.source, found.formats, found.verdict) == ("transforms", ("posed.transforms",), "read"), found.refusal
        assert found.facts["photos with a camera"] == found.facts["photos"]
        assert any("state scale: metric" in line for line in found.told)


def test_textures_of_a_mesh_are_no_photos(room: Room, tmp_path: Path) -> None:
    mesh_of(room).export(tmp_path / "room.obj")
    text = (tmp_path / "room.obj").read_text()
    (tmp_path / "room.obj").write_text("mtllib room.mtl\nusemtl wall\n" + text)
    (tmp_path / "room.mtl").write_text("newmtl wall\nmap_Kd a.png\nnewmtl floor\nmap_Kd b.png\n")
    for name in ("a.png", "b.png"):
        Image.new("RGB", (32, 32), "grey").save(tmp_path / name)
    found = inspect_path(tmp_path)
    assert found.source == "surface" and found.what.startswith("a mesh (OBJ) in it")


def test_a_published_world_is_called_one(room: Room, tmp_path: Path) -> None:
    from pxr import Usd, UsdGeom, Vt

    world = tmp_path / "flat" / "world"
    world.mkdir(parents=True)
    stage = Usd.Stage.CreateNew(str(world / "world.usda"))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    mesh = mesh_of(room)
    prim = UsdGeom.Mesh.Define(stage, "/room")
    prim.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(mesh.vertices.astype(np.float32)))
    prim.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(mesh.faces), 3, np.int32)))
    prim.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(mesh.faces.astype(np.int32).ravel()))
    stage.Save()
    manifest = {"manifest_version": 1, "name": "flat", "provenance": {}, "world_from_input": []}
    (world / "manifest.json").write_text(json.dumps(manifest))
    for path in (tmp_path / "flat", world, world / "world.usda"):
        found = inspect_path(path)
        assert found.what == "a world that lyra-sim published, 'flat'" and found.verdict == "read", found.refusal


def test_nothing_is_written_where_it_looks(recorded: dict[str, Path], room: Room, tmp_path: Path, monkeypatch) -> None:
    scan = Path(shutil.copytree(recorded["stray"], tmp_path / "scan"))
    mesh_of(room).export(tmp_path / "room.glb")
    monkeypatch.chdir(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*"))}
    inspect_path(scan)
    inspect_path(tmp_path / "room.glb")
    assert {path: path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*"))} == before


# -- what strangers give ----------------------------------------------------------------------------------------------------


def refused(path: Path) -> str:
    found = inspect_path(path)
    assert found.verdict == "refused" and found.refusal is not None and found.exit_code == 3
    assert Inspection.model_validate_json(found.model_dump_json()) == found
    return found.refusal.text


def test_what_is_no_file_is_refused_by_what_it_is(tmp_path: Path) -> None:
    assert "missing" in refused(tmp_path / "none")
    assert "missing" in refused(tmp_path / ("n" * 200))
    assert "can't be looked at" in refused(tmp_path / ("n" * 5000))
    assert "a name that isn't plain text" in refused(Path("a\0b"))
    (tmp_path / "empty").mkdir()
    assert "an empty folder" in refused(tmp_path / "empty")
    (tmp_path / "empty.glb").touch()
    assert "an empty file" in refused(tmp_path / "empty.glb")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    assert "in a circle" in refused(tmp_path / "loop") and "leads nowhere" in refused(tmp_path / "dangling")
    os.mkfifo(tmp_path / "pipe")
    assert "neither a file nor a folder" in refused(tmp_path / "pipe")


def test_names_that_are_no_text_end_nothing(tmp_path: Path) -> None:
    strange = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.glb"))
    strange.write_bytes(b"glTF")
    assert "a name that isn't plain text" in refused(strange)
    folder = pictures(tmp_path / "photos", 3)
    os.rename(folder / "001.jpg", os.fsencode(folder) + b"/\xff.jpg")
    found = inspect_path(folder)
    assert found.verdict == "read" and found.facts["photos"] == 3
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.jpg")).write_bytes(b"broken")
    found = inspect_path(folder)
    assert Inspection.model_validate_json(found.model_dump_json()) == found and "?.jpg" in lines_of(found)[0]


def test_pipes_and_circles_in_a_folder_hang_nothing(tmp_path: Path) -> None:
    for name in ("rgb", "depth"):
        (tmp_path / name).mkdir()
    for name in ("groundtruth.txt", "transforms.json", "a.jpg", "meta.json", "cameras.bin"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "images").symlink_to(tmp_path)
    (tmp_path / "scan.glb").symlink_to(tmp_path / "scan.glb")
    assert "nothing that is known" in refused(tmp_path)


def test_what_may_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so the file system's no is put in its mouth."""
    folder = pictures(tmp_path / "photos", 2)

    def denied(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("lyra_sim.inspection.telling.os.scandir", denied)
    assert "it can't be listed (Permission denied)" in refused(folder)
    monkeypatch.undo()
    monkeypatch.setattr("lyra_sim.inspection.telling.photo_kind", denied)
    assert "it can't be read (Permission denied)" in refused(folder / "000.jpg")


def test_a_huge_folder_is_refused_before_it_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = pictures(tmp_path / "photos", 30)
    monkeypatch.setattr("lyra_sim.inspection.telling.MOST_ENTRIES", 20)
    assert "more than 20 entries" in refused(folder)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("scene.fbx", b"Kaydara FBX Binary  \0", "an FBX file"),
        ("page.glb", b"<!doctype html><html>", "a web page"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c" + b"\0" * 40, "7z archive"),
        ("scan.sens", b"\4\0\0\0", "a ScanNet recording, which isn't read"),
        ("scenes.yaml", b"version: 1\nscenes: []\n", "build"),
        ("trajectory.log", b"0 0 1\n", "Give the folder it belongs to"),
        pytest.param("noise.dat", bytes(range(7)) * 33, "begins with", id="noise.dat"),
        pytest.param("deep.json", b'{"a":' * 5000, "not JSON", id="deep.json"),
    ],
)
def test_what_is_not_read_is_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert said in refused(tmp_path / name)


def test_several_sources_in_one_folder_are_for_the_user_to_choose(room: Room, tmp_path: Path) -> None:
    for name in ("a.ply", "b.glb"):
        mesh_of(room).export(tmp_path / name)
    assert "2 files that are each a source: a.ply, b.glb" in refused(tmp_path)


def test_a_folder_above_names_the_one_that_is_meant(recorded: dict[str, Path]) -> None:
    said = refused(recorded["tum"].parent)
    assert "Its subfolder 'scan' is frames with depth, laid out as 'tum'." in said
    assert f"lyra-sim inspect {recorded['tum']}" in said


# -- the scene it gives -------------------------------------------------------------------------------------------------------


def test_settings_go_into_the_scene_and_wrong_ones_are_errors(room: Room, tmp_path: Path) -> None:
    mesh_of(room).export(tmp_path / "room.ply")
    found = inspect_path(tmp_path / "room.ply", overrides=("up=z", "scale=metric", "surface.views=20", "seed=3"))
    assert found.verdict == "read" and found.scene_file is not None
    (scene,) = yaml.safe_load(found.scene_file)["scenes"]
    assert scene == {
        "name": "room",
        "surface": {"files": [str(tmp_path / "room.ply")], "views": 20},
        "up": "z",
        "scale": "metric",
        "seed": 3,
    }
    for wrong in ("up=north", "upp=z", "up"):
        with pytest.raises(SpecError, match=f"--set {wrong}"):
            inspect_path(tmp_path / "room.ply", overrides=(wrong,))


@pytest.mark.parametrize("name", ["3 rooms (final).ply", "ø.ply", ".hidden", "a" * 90 + ".ply"])
def test_any_name_makes_a_scene(tmp_path: Path, name: str) -> None:
    cloud(40).save_ply(tmp_path / name)
    found = inspect_path(tmp_path / name)
    assert found.scene_file is not None
    (tmp_path / "scenes.yaml").write_text(found.scene_file, encoding="utf-8")
    assert load_scenes(tmp_path / "scenes.yaml")[0].source.file == tmp_path / name  # type: ignore[union-attr]


def test_every_format_it_names_is_in_the_table(recorded: dict[str, Path]) -> None:
    keys = {row.key for row in ROWS}
    for folder in recorded.values():
        assert set(inspect_path(folder).formats) <= keys


def test_some_of_many_are_spread_over_all() -> None:
    assert spread(range(10), 3) == [0, 4, 9]
    assert spread(range(3), 3) == [0, 1, 2]
