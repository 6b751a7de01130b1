"""What masks leave out isn't looked at: a thing that moves through the frames leaves no matter, no feature and no depth."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from PIL import Image

from lyra_sim import build
from lyra_sim.capture.cameras.photo_matches import cameras_of_equal_photos, match_photos
from lyra_sim.capture.intake.photo_folder import take_in_files
from lyra_sim.capture.masks import masks_beside, masks_of_transforms, read_mask, with_masks
from lyra_sim.capture.photos import take_in
from lyra_sim.data.capture import Capture
from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.solid import Solid
from lyra_sim.errors import InputError
from lyra_sim.geometry.cameras import pixel_rays
from lyra_sim.inspection.looking import inspect_path
from lyra_sim.reconstructors import fuse
from lyra_sim.scene.sources import ColmapSource, PhotosSource, RgbdSource, TransformsSource
from lyra_sim.scene.spec import CaptureConfig, PosesConfig, ReconstructConfig, SceneSpec
from lyra_sim.steps.capture import sources
from tests.photo_rooms import photo_room
from tests.rooms import furnished_room

PERSON = np.array([0.4, 0.4, 1.7])
"""Size of what walks through the room [m]."""


def person_at(index: int) -> tuple[np.ndarray, np.ndarray]:
    """Through the first room of the flat, another place in every frame."""
    low = np.array([1.0 + 0.06 * index, 1.2 + 0.02 * (index % 5), 0.0])
    return low, low + PERSON


def written(folder: Path, *, masks: str) -> Path:
    """Frames with depth of a room that somebody walks through, who is masked by ``mask_path``, by COLMAP's folder, or not."""
    room = furnished_room(views=24)
    room.write_rgbd(folder)
    facts = json.loads((folder / "transforms.json").read_text())
    (folder / "masks").mkdir()
    for index in range(len(room.cameras)):
        one = replace(room, cameras=room.cameras.select(np.array([index])), boxes={**room.boxes, "person": person_at(index)})
        rgb, z = (array[0] for array in one.rendered)
        rays = pixel_rays(one.cameras.K[0], one.cameras.width, one.cameras.height).reshape(-1, 3).astype(np.float64)
        _, _, owner = one.hits(one.cameras.c2w[0, :3, 3], rays @ one.cameras.c2w[0, :3, :3].T)
        kept = (owner != len(one.boxes)).reshape(z.shape)
        Image.fromarray(rgb).save(folder / "rgb" / f"{index:04d}.png")
        Image.fromarray(np.round(z * 1000).astype(np.uint16)).save(folder / "depth_mm" / f"{index:04d}.png")
        if masks == "mask_path":
            Image.fromarray(kept.astype(np.uint8) * 255).save(folder / "masks" / f"m{index}.png")
            facts["frames"][index]["mask_path"] = f"masks/m{index}.png"
        elif masks == "folder":
            Image.fromarray(kept.astype(np.uint8)).save(folder / "masks" / f"{index:04d}.png.png")
    (folder / "transforms.json").write_text(json.dumps(facts))
    return folder


def scene_of(folder: Path) -> SceneSpec:
    small = {"mesh": {"voxel_size": 0.08}, "reconstruct": {"splat_spacing": 0.05}}
    return SceneSpec(name="room", rgbd=RgbdSource(folder=folder), scale="metric", up="z", **small)


def matter(points: np.ndarray, *, off: float) -> int:
    """How many of these stand where the person stood, off the room's own surfaces."""
    room = furnished_room(views=2)
    inside = np.zeros(len(points), bool)
    for index in range(24):
        low, high = person_at(index)
        inside |= ((points > low - 0.05) & (points < high + 0.05)).all(axis=1)
    return int((inside & (room.distance(points) > off)).sum())


@pytest.mark.parametrize(("masks", "stays"), [("none", True), ("mask_path", False), ("folder", False)])
def test_somebody_who_walks_through_leaves_no_matter(tmp_path: Path, masks: str, stays: bool) -> None:
    """Through capture, reconstruct, align and mesh; unmasked, the same person is matter, so the test can tell."""
    spec = scene_of(written(tmp_path / "scan", masks=masks))
    built = build([spec], tmp_path / "out", until="mesh", isolate=False)
    assert built.exit_code == 0, built
    folders = {path.name.split("_", 1)[1]: path for path in (tmp_path / "out" / "room" / "steps").iterdir() if path.is_dir()}
    capture = Capture.load(folders["capture"])
    splats = fuse.reconstruct(capture, ReconstructConfig(splat_spacing=0.05)).splats.means
    assert (matter(splats, off=0.1) > 0) == stays
    mesh = Solid.load(folders["mesh"]).mesh
    assert stays == (matter(mesh.vertices[np.unique(mesh.faces[mesh.face_seen])], off=0.15) > 0)
    masked = max(float((~capture.views.valid(index)).mean()) for index in range(len(capture.views)))
    told = [line for line in capture.told if "masks of 24 frames leave out" in line]
    assert (masked < 0.01) == stays and len(told) == (0 if stays else 1)


def test_inspect_tells_them(tmp_path: Path) -> None:
    found = inspect_path(written(tmp_path / "scan", masks="mask_path"))
    assert found.verdict == "read"
    assert any("masks of" in line and "leave out" in line for line in found.readings[0].remarks)


MASKED = (slice(30, 120), slice(40, 160))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve posed photos, of each the same part masked."""
    folder = photo_room(every=2).write(tmp_path_factory.mktemp("photos") / "room")
    kept = np.full(photo_room(every=2).photos[0].shape[:2], 255, np.uint8)
    kept[MASKED] = 0
    (folder / "masks").mkdir()
    facts = json.loads((folder / "transforms.json").read_text())
    for frame in facts["frames"]:
        name = Path(frame["file_path"]).name
        Image.fromarray(kept).save(folder / "masks" / f"{name}.png")
        frame["mask_path"] = f"masks/{name}.png"
    (folder / "transforms.json").write_text(json.dumps(facts))
    return folder


@pytest.mark.parametrize("kind", ["transforms", "photos", "colmap"])
def test_photos_bring_their_masks(photos: Path, tmp_path: Path, kind: str) -> None:
    """By mask_path, and by COLMAP's names in the folder beside; both are among what the step's key is made from."""
    if kind == "transforms":
        source = TransformsSource(file=photos / "transforms.json")
    elif kind == "photos":
        source = PhotosSource(images=photos / "photos")
    else:
        source = ColmapSource(model=colmap_model(tmp_path / "model"), images=photos / "photos")
    taken = take_in(source, CaptureConfig(), tmp_path / "work")
    assert len(taken.photos) == 12 and all(photo.mask is not None for photo in taken.photos)
    assert len(taken.remarks) == 1 and taken.remarks[0].startswith("masks of 12 photos leave out")
    assert photos / "masks" in [path.absolute() for path in sources(source)]


def colmap_model(folder: Path) -> Path:
    """Of the photos' names alone: where they stand doesn't matter here."""
    model = pycolmap.Reconstruction()
    camera = pycolmap.Camera.create_from_model_name(1, "SIMPLE_PINHOLE", 200.0, 320, 240)
    model.add_camera_with_trivial_rig(camera)
    for index in range(12):
        image = pycolmap.Image(name=f"{index:04d}.jpg", camera_id=1, image_id=index + 1)
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d())
    folder.mkdir()
    model.write(folder)
    return folder


def test_no_feature_and_no_depth_where_masked(photos: Path, tmp_path: Path) -> None:
    source = TransformsSource(file=photos / "transforms.json")
    taken = take_in(source, CaptureConfig(), tmp_path / "work")
    cfg = PosesConfig(features=600)
    match_photos(
        taken.photos, cfg, work=tmp_path / "m", seed=0, cameras=lambda: cameras_of_equal_photos(taken.photos, exif=False)
    )
    with pycolmap.Database.open(tmp_path / "m" / "matches.db") as database:
        for number in range(1, 13):
            u, v = database.read_keypoints(number)[:, :2].T
            inside = (v > 31) & (v < 119) & (u > 41) & (u < 159)
            assert len(u) > 100 and not inside.any()
    spec = SceneSpec(
        name="room", transforms=source, scale="metric", up="z", depth={"side": 160, "planes": 32}, poses={"features": 600}
    )
    built = build([spec], tmp_path / "out", until="depth", isolate=False)
    assert built.exit_code == 0, built
    (folder,) = (tmp_path / "out" / "room" / "steps").glob("*_depth")
    views = PosedDepth.load(folder, Capture.load(next((tmp_path / "out" / "room" / "steps").glob("*_capture")))).views
    for index in range(len(views)):
        assert not views.valid(index)[MASKED].any() and not np.isfinite(views.z_depth(index)[MASKED]).any()
        assert np.isfinite(views.z_depth(index)).mean() > 0.1


def test_a_mask_turns_with_its_photo_and_keeps_its_meaning(tmp_path: Path) -> None:
    kept = np.ones((40, 60), np.uint8)
    kept[:10] = 0
    Image.fromarray(kept).save(tmp_path / "ones.png")
    Image.fromarray(kept * 255).convert("RGB").save(tmp_path / "colour.png")
    for name in ("ones.png", "colour.png"):
        assert (read_mask(tmp_path / name, width=60, height=40, max_pixels=10**6) == (kept > 0)).all()
    turned = read_mask(tmp_path / "ones.png", width=40, height=60, max_pixels=10**6, orientation=6)
    assert (turned == np.rot90(kept > 0, -1)).all(), "its top is the right side of the upright photo"
    assert (read_mask(tmp_path / "ones.png", width=120, height=80, max_pixels=10**6)[::2, ::2] == (kept > 0)).all()
    with pytest.raises(InputError, match="a mask of 60x40 pixels"):
        read_mask(tmp_path / "ones.png", width=60, height=60, max_pixels=10**6)
    (tmp_path / "cut.png").write_bytes((tmp_path / "ones.png").read_bytes()[:60])
    for name in ("cut.png", "none.png"):
        with pytest.raises(InputError):
            read_mask(tmp_path / name, width=60, height=40, max_pixels=10**6)
    with pytest.raises(InputError, match="60x40 pixels"):
        read_mask(tmp_path / "ones.png", width=60, height=40, max_pixels=1000)


def test_a_mask_that_hides_all_is_doubted_and_a_lost_one_is_told(tmp_path: Path) -> None:
    Image.new("RGB", (60, 40), "grey").save(tmp_path / "a.png")
    Image.new("L", (60, 40)).save(tmp_path / "m.png")
    taken = take_in_files([tmp_path / "a.png"], unreadable="refuse", limits=CaptureConfig(), work=tmp_path / "work")
    masked = with_masks(taken, {"a": tmp_path / "m.png"}, max_pixels=10**6, work=tmp_path / "work" / "masks")
    assert masked.remarks[0].endswith("they may be inverted")
    frames = [
        {"file_path": "a.png", "mask_path": "m.png"},
        {"file_path": "b.png", "mask_path": "lost.png"},
        {"file_path": "c.png"},
    ]
    (tmp_path / "transforms.json").write_text(json.dumps({"frames": frames}))
    found, said = masks_of_transforms(tmp_path / "transforms.json")
    assert [path.name for path in found] == ["a.png"] and said[0].startswith(
        "masks that 1 frames name (mask_path) aren't there"
    )
    frames[0]["mask_path"] = "../../secret.png"
    (tmp_path / "transforms.json").write_text(json.dumps({"frames": frames}))
    with pytest.raises(InputError, match="leads out of the folder"):
        masks_of_transforms(tmp_path / "transforms.json")


def test_other_folders_of_that_name_are_left_alone(tmp_path: Path) -> None:
    """Only COLMAP's own naming counts: a folder of labels or cut-outs masks nothing."""
    (tmp_path / "masks").mkdir()
    (tmp_path / "images").mkdir()
    for name in ("a.png", "a.jpg", "b.jpg.png"):
        Image.new("L", (60, 40)).save(tmp_path / "masks" / name)
    assert masks_beside([tmp_path / "images" / "a.jpg"], tmp_path / "images") == {}
    assert list(masks_beside([tmp_path / "images" / "b.jpg"], tmp_path / "images")) == [tmp_path / "images" / "b.jpg"]
