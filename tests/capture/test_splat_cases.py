"""Splats as people bring them, through ``lyra-sim build`` up to the survey: each stands on the floor of the same room, and says
what was changed. On the room's roof, or refused for a wrong reason, is where they ended before."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lyra_sim.data.capture import Capture
from lyra_sim.data.splats import Splats
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.runner import build
from lyra_sim.scene.scene_file import load_scenes
from lyra_sim.splat_files.ply import widened
from lyra_sim.splat_files.writing import write_splats
from lyra_sim.steps.capture import sources
from tests.splat_files.clouds import byte_colours, columns_of, joined, room, write_columns

SCENES = """version: 1
defaults: {preset: preview, seed: 7, up: z, scale: metric, mesh: {voxel_size: 0.05}}
scenes:
  - {name: scan, splats: {file: FILE, views: 8}}
"""


def built(folder: Path, file: Path) -> tuple[Capture, list[str]]:
    """The capture of a build, and the notes that were told while it ran."""
    (folder / "scenes.yaml").write_text(SCENES.replace("FILE", file.relative_to(folder).as_posix()), encoding="utf-8")
    told: list[str] = []
    result = build(
        load_scenes(folder / "scenes.yaml"),
        folder / "out",
        until="capture",
        listeners=(lambda event: told.append(event.reason) if event.kind == "note" else None,),
    )
    assert result.scenes[0].error is None, result.scenes[0].error
    (manifest,) = (folder / "out" / "scan" / "steps").glob("*capture/capture.json")
    return Capture.load(manifest.parent), told


def stands_in_the_room(capture: Capture) -> None:
    assert capture.given is not None and capture.given.survey is not None
    standing = capture.given.survey.standing
    assert abs(standing.start_in_survey_frame[2]) < 0.12 and standing.enclosed_share == 1.0
    centres = capture.cameras.centres
    assert (centres > 0).all() and (centres < [3.0, 2.4, 2.3]).all()


def sheets(count: int = 500) -> Splats:
    """Thin sheets in the air; what they block is told by ``filter_3D`` alone."""
    rng = np.random.default_rng(8)
    return Splats(
        means=rng.uniform((0.2, 0.2, 0.3), (2.8, 2.2, 2.0), (count, 3)).astype(np.float32),
        quats_wxyz=Rotation.random(count, random_state=1).as_quat(scalar_first=True).astype(np.float32),
        log_scales=np.tile(np.log(np.float32([0.09, 0.09, 0.0003])), (count, 1)),
        opacity_logits=np.full(count, 3.5, np.float32),
        sh_coeffs=np.ones((count, 1, 3), np.float32),
    )


def sky(count: int = 600, radius: float = 400.0) -> Splats:
    means = np.random.default_rng(4).normal(size=(count, 3))
    means[:, 2] = np.abs(means[:, 2])
    return Splats(
        means=(radius * means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32),
        quats_wxyz=np.tile(np.float32([1, 0, 0, 0]), (count, 1)),
        log_scales=np.full((count, 3), np.log(0.03 * radius), np.float32),
        opacity_logits=np.full(count, 2.2, np.float32),
        sh_coeffs=np.full((count, 1, 3), 1.2, np.float32),
    )


def opaque(folder: Path) -> Path:
    columns = columns_of(room())
    columns["opacity"] = columns["opacity"].copy()
    columns["opacity"][::50] = np.inf
    columns["opacity"][7] = np.nan
    return write_columns(folder / "scan.ply", columns)


def flat(folder: Path) -> Path:
    columns = columns_of(room())
    for axis in range(3):
        values = columns[f"scale_{axis}"].copy()
        values[values < -4] = -np.inf
        columns[f"scale_{axis}"] = values
    return write_columns(folder / "scan.ply", columns)


def surfels(folder: Path) -> Path:
    """The axes turned so that the thin one is the third, and dropped."""
    splats = room()
    thin = splats.log_scales.argmin(axis=1)
    turns = Rotation.from_rotvec(np.array([[0, np.pi / 2, 0], [-np.pi / 2, 0, 0], [0, 0, 0]])[thin])
    columns = columns_of(splats) | {f"rot_{i}": turns.as_quat(scalar_first=True)[:, i].astype(np.float32) for i in range(4)}
    columns |= {f"scale_{axis}": np.full(len(splats), np.log(0.07), np.float32) for axis in range(2)}
    del columns["scale_2"]
    return write_columns(folder / "scan.ply", columns)


def rgb(folder: Path) -> Path:
    splats = room()
    columns = {name: values for name, values in columns_of(splats).items() if not name.startswith("f_dc")}
    return write_columns(folder / "scan.ply", columns | byte_colours(splats))


def filtered(folder: Path) -> Path:
    splats = joined(room(), sheets())
    return write_columns(folder / "scan.ply", columns_of(splats) | {"filter_3D": np.full(len(splats), 0.01, np.float32)})


def as_kind(name: str):
    def write(folder: Path) -> Path:
        write_splats(room(), folder / name, spz_version=4)
        return folder / name

    return write


def with_sky(folder: Path) -> Path:
    joined(room(), sky()).save_ply(folder / "scan.ply")
    return folder / "scan.ply"


CASES = {
    "opaque": (opaque, "endless opacity logits"),
    "flat": (flat, "without thickness"),
    "surfels": (surfels, "2DGS"),
    "rgb": (rgb, "red, green, blue"),
    "filter_3D": (filtered, "filter_3D"),
    "sky": (with_sky, "600 opaque splats far outside left out"),
    "spz 4": (as_kind("scan.spz"), None),
    "compressed": (as_kind("scan.compressed.ply"), None),
    "sog": (as_kind("scan.sog"), None),
    "sog in parts": (as_kind("scan/meta.json"), None),
    "splat": (as_kind("scan.splat"), None),
}


NIGHTLY = ("sog", "sog in parts", "splat")
"""Kinds whose reading is tested beside their writing."""


@pytest.mark.parametrize("case", [pytest.param(case, marks=[pytest.mark.nightly] if case in NIGHTLY else []) for case in CASES])
def test_it_is_the_same_room(tmp_path, case):
    write, note = CASES[case]
    (tmp_path / "scan").mkdir()
    capture, told = built(tmp_path, write(tmp_path))
    stands_in_the_room(capture)
    assert tuple(told) == capture.told
    assert any(note in line for line in told) if note else not told
    kept = Splats.load_ply(capture.given_splats)
    assert len(kept) == len(room()) + {"opaque": -1, "filter_3D": 500, "sky": 600}.get(case, 0), "the look keeps all"


def test_without_their_filter_the_sheets_would_be_walls():
    """Guards the case above: drawn as meant they block a twentieth of the light, raw nearly all."""
    raw = sheets()
    _, logits = widened(raw.log_scales, raw.opacity_logits, np.full(len(raw), 0.01, np.float32))
    assert raw.opacities.min() > 0.95 and (1 / (1 + np.exp(-logits))).max() < 0.05


def test_a_file_that_is_turned_is_turned_by_up_alone(tmp_path):
    """SPZ says nothing of its frame: the same room y up is read by what the scene says."""
    y_up = Similarity(scale=1.0, rotation=np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]), translation=np.zeros(3))
    write_splats(room().moved(y_up), tmp_path / "scan.spz")
    (tmp_path / "scenes.yaml").write_text(SCENES.replace("FILE", "scan.spz").replace("up: z", "up: y"), encoding="utf-8")
    (result,) = build(load_scenes(tmp_path / "scenes.yaml"), tmp_path / "out", until="capture").scenes
    assert result.error is None
    (manifest,) = (tmp_path / "out" / "scan" / "steps").glob("*capture/capture.json")
    standing = Capture.load(manifest.parent).given.survey.standing
    assert abs(standing.start_in_survey_frame[2]) < 0.12 and standing.enclosed_share == 1.0


def test_the_parts_of_a_sog_are_sources_of_the_step(tmp_path):
    write_splats(room(), tmp_path / "scan" / "meta.json")
    (tmp_path / "scenes.yaml").write_text(SCENES.replace("FILE", "scan/meta.json"), encoding="utf-8")
    (scene,) = load_scenes(tmp_path / "scenes.yaml")
    names = {path.name for path in sources(scene.source)}
    assert names == {"meta.json", "means_l.webp", "means_u.webp", "quats.webp", "scales.webp", "sh0.webp"}
