"""A client that isn't ours: Blender 5.0.1 opens world.usda, world.usdz and mesh.glb, and Cycles sees the room.

Blender is GPL and carries its own USD, so it lives in an environment of its own under ``build/blender``, made on the first
run (374 MB from the package index), and is spoken to as a subprocess. ``BPY_PYTHON`` names an interpreter that has it already.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lyra_sim.data.colliders import LABELS
from lyra_sim.data.mesh import Texture
from lyra_sim.data.stage import StageBundle
from tests.conftest import ROOT
from tests.usd.worlds import AIR, MATTER, World, box_world, seen_texture

pytestmark = pytest.mark.nightly

BLENDER = "bpy==5.0.1"
CLIENT = Path(__file__).with_name("blender_client.py")
PAINT = {"floor": (200, 40, 40), "wall": (40, 170, 60), "ceiling": (200, 200, 200), "clutter": (40, 70, 200)}
"""sRGB of every label's faces in the atlas, so that a pixel tells which face Blender put there."""


@pytest.fixture(scope="session")
def blender() -> Path:
    """The interpreter that has bpy."""
    if named := os.environ.get("BPY_PYTHON"):
        return Path(named)
    home = ROOT / "build" / "blender"
    python, ready = home / "bin" / "python", home / "ready.txt"
    if not ready.is_file():
        base = sys.executable if sys.version_info[:2] == (3, 11) else shutil.which("python3.11")
        assert base, "bpy 5.0.1 has wheels for Python 3.11 only, and there is none here; name one that has bpy in BPY_PYTHON"
        subprocess.run([base, "-m", "venv", "--clear", str(home)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", BLENDER], check=True)
        ready.write_text(BLENDER)
    return python


@pytest.fixture(scope="session")
def painted(tmp_path_factory: pytest.TempPathFactory) -> StageBundle:
    world = box_world()
    return replace(world, texture=paint(world)).write(tmp_path_factory.mktemp("painted"), usdz=True)


def paint(world: World) -> Texture:
    """The room's atlas with every face in the colour of its label."""
    texture = seen_texture(world.mesh)
    height, width, _ = texture.image.shape
    image = np.zeros_like(texture.image)
    middles = texture.uv.mean(axis=1) * [width, height]
    for (u, v), face in zip(middles, texture.face_index, strict=True):
        column, row = int(u) // 4 * 4, int(height - v) // 4 * 4
        image[row : row + 4, column : column + 4] = PAINT[LABELS[world.colliders.face_labels[face]]]
    return replace(texture, image=image)


def opened(blender: Path, file: Path, out: Path, *, picture: bool = False) -> tuple[dict[str, Any], np.ndarray | None]:
    out.mkdir(parents=True, exist_ok=True)
    command = [str(blender), str(CLIENT), str(file), "--facts", str(out / "facts.json")]
    if picture:
        eye, target = ["-1.7", "-1.2", "1.5"], ["1.0", "0.6", "0.7"]
        command += ["--picture", str(out / "picture.png"), "--eye", *eye, "--target", *target]
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(command, env=kept, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    pixels = np.asarray(Image.open(out / "picture.png").convert("RGB")) if picture else None
    return json.loads((out / "facts.json").read_text()), pixels


def bounds(facts: dict[str, Any]) -> np.ndarray:
    meshes = facts["meshes"].values()
    return np.array([np.min([mesh["low"] for mesh in meshes], axis=0), np.max([mesh["high"] for mesh in meshes], axis=0)])


def share_of(pixels: np.ndarray, channel: int) -> float:
    """Of pixels in which one channel is clearly the strongest."""
    rest = np.delete(pixels.astype(int), channel, axis=2).max(axis=2)
    return float((pixels[:, :, channel] > 1.3 * rest + 5).mean())


def test_the_stage_in_blender(blender: Path, painted: StageBundle, tmp_path: Path) -> None:
    facts, pixels = opened(blender, painted.stage, tmp_path, picture=True)
    assert (facts["metres_per_unit"], facts["unit_system"]) == (1.0, "METRIC")
    assert set(facts["meshes"]) == {"floor", "wall", "ceiling", "clutter", "unseen"}  # no guide: no shell, no hull
    np.testing.assert_allclose(bounds(facts), AIR, atol=1e-4)  # z is up here too
    floor, unseen = facts["meshes"]["floor"], facts["meshes"]["unseen"]
    assert (floor["materials"], floor["uv_layers"]) == (["photo"], ["st"])
    assert (unseen["materials"], unseen["colors"]) == (["vertex_colors"], ["displayColor"])
    assert abs(floor["low"][2]) < 1e-4 and abs(floor["high"][2]) < 1e-4
    photo = facts["materials"]["photo"]
    side = painted_side(painted)
    assert (photo["source"], photo["image_size"], photo["color_space"]) == ("TEX_IMAGE", [side, side], "sRGB")
    assert facts["materials"]["vertex_colors"]["attribute"] == "displayColor"
    assert sorted(kind for kind, *_ in facts["lights"].values()) == ["POINT", "POINT", "SUN"]
    assert all(height == pytest.approx(AIR[1][2] - 0.3) for kind, *_, height in facts["lights"].values() if kind == "POINT")
    assert_a_room(pixels)


def test_the_one_file_in_blender(blender: Path, painted: StageBundle, tmp_path: Path) -> None:
    """Moved away from the loose files, and pictured: its texture has to be found inside."""
    alone = Path(shutil.copy(painted.packed, tmp_path / "alone.usdz"))
    facts, pixels = opened(blender, alone, tmp_path / "out", picture=True)
    np.testing.assert_allclose(bounds(facts), AIR, atol=1e-4)
    assert_a_room(pixels)


def test_splats_do_not_upset_blender(blender: Path, painted: StageBundle, tmp_path: Path) -> None:
    """Its USD is older than the schema: it finds nothing to show, and says so in peace."""
    facts, _ = opened(blender, painted.splat_stage, tmp_path)
    assert facts["meshes"] == {}


def test_the_glb_in_blender(blender: Path, painted: StageBundle, tmp_path: Path) -> None:
    """Written y-up, as glTF is; Blender turns it back."""
    facts, _ = opened(blender, painted.exports / "mesh.glb", tmp_path)
    np.testing.assert_allclose(bounds(facts), [AIR[0] - MATTER, AIR[1] + MATTER], atol=1e-4)
    assert set(facts["meshes"]) == {"seen", "unseen"}
    (look,) = facts["meshes"]["seen"]["materials"]
    side = painted_side(painted)
    found = facts["materials"][look]
    assert (found["source"], found["image_size"], found["color_space"]) == ("TEX_IMAGE", [side, side], "sRGB")
    assert facts["meshes"]["unseen"]["colors"]


def painted_side(bundle: StageBundle) -> int:
    with Image.open(bundle.world / "payload" / "texture.png") as image:
        assert image.width == image.height
        return image.width


def assert_a_room(pixels: np.ndarray | None) -> None:
    """Lit from inside, and every colour where it belongs: floor below, walls around, the table between."""
    assert pixels is not None and pixels.shape == (180, 240, 3)
    assert pixels.std() > 20 and 20 < pixels.mean() < 235
    assert (pixels.max(axis=2) > 15).mean() > 0.98  # no black patches: nothing inside out, nothing without a look
    assert share_of(pixels[150:], 0) > 0.8
    assert share_of(pixels[:, :60], 1) + share_of(pixels[:90], 1) > 0.5
    assert 0.02 < share_of(pixels, 2) < 0.4
