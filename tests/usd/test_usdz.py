"""world.usdz: a sound archive, the same bytes every time, and the same world to OpenUSD and to an engine."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from pxr import Sdf

from lyra_sim.data.stage import StageBundle
from lyra_sim.errors import UsdError
from lyra_sim.usd.usdz import ALIGNMENT, MOST_BYTES, write_usdz
from tests.conftest import ROOT
from tests.usd.breaks import SPLAT, stray_payload
from tests.usd.worlds import World, all_issues, box_world, opened, stored_splats


@pytest.fixture(scope="module")
def packed(small_world: World, tmp_path_factory: pytest.TempPathFactory) -> StageBundle:
    return small_world.write(tmp_path_factory.mktemp("packed"), usdz=True)


def test_the_archive_is_sound(packed: StageBundle) -> None:
    """Python's own zip reader agrees, nothing is compressed, and every file starts where it can be mapped."""
    with zipfile.ZipFile(packed.packed) as archive:
        assert archive.testzip() is None
        names = ["world.usda", "payload/geometry.usdc", "payload/splat.usdc", "payload/texture.png"]
        assert archive.namelist() == names
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED and entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert (entry.extra, entry.create_system, entry.external_attr, entry.flag_bits) == (b"", 0, 0, 0)  # nor machine
            assert archive.read(entry) == (packed.world / entry.filename).read_bytes()
            with archive.open(entry) as stored:
                start = stored._orig_compress_start  # type: ignore[attr-defined]
            assert start % ALIGNMENT == 0
    found = Sdf.ZipFile.Open(str(packed.packed)).GetFileNames()  # OpenUSD reads entry after entry, not the directory
    assert list(found) == names


def test_it_holds_the_same_world(packed: StageBundle, tmp_path: Path) -> None:
    """Every prim and every value, under every choice of visual and collision, far away from the loose files."""
    alone = Path(shutil.copy(packed.packed, tmp_path / "elsewhere.usdz"))
    for selections in ({}, {"visual": "both", "collision": "trimesh", "lighting": "none"}):
        loose, packed_stage = opened(packed.stage, **selections), opened(alone, **selections)
        pairs = list(zip(loose.Traverse(), packed_stage.Traverse(), strict=True))
        assert len(pairs) > 20
        for one, two in pairs:
            assert (one.GetPath(), one.GetTypeName()) == (two.GetPath(), two.GetTypeName())
            for attribute in one.GetAttributes():
                mine, theirs = attribute.Get(), two.GetAttribute(attribute.GetName()).Get()
                if isinstance(mine, Sdf.AssetPath):
                    assert theirs.resolvedPath == f"{alone}[payload/texture.png]"
                else:
                    assert mine == theirs, attribute.GetPath()


def test_no_rule_is_broken(packed: StageBundle) -> None:
    assert all_issues(packed.packed) == []


def test_equal_worlds_give_equal_archives(packed: StageBundle, tmp_path: Path) -> None:
    again = box_world().write(tmp_path, usdz=True)
    assert again.packed.read_bytes() == packed.packed.read_bytes()


def test_partitioned_splats_come_along(packed: StageBundle, tmp_path: Path) -> None:
    from lyra_sim.usd.package import write_splats

    package = Path(shutil.copytree(packed.world, tmp_path / "world"))
    write_splats(package / SPLAT, box_world().world.splats, most_layer_bytes=30_000)
    alone = tmp_path / "alone.usdz"
    write_usdz(alone, package / "world.usda")
    with zipfile.ZipFile(alone) as archive:
        assert sum(name.startswith("payload/splat_0") for name in archive.namelist()) == 3
    stage = opened(alone, visual="splat")
    stage.Export(str(tmp_path / "flat.usdc"))
    assert len(stored_splats(tmp_path / "flat.usdc")) == 300
    assert all_issues(package / "world_splat.usda") == []


def test_too_large_a_world_says_so_and_leaves_nothing(package: Path) -> None:
    """Beyond its limit the standard library writes zip64, or refuses to: neither may come to pass."""
    assert MOST_BYTES <= zipfile.ZIP64_LIMIT
    with pytest.raises(UsdError, match=r"have 0\.00 GiB.*\n.*\n.*author\.usdz: false"):
        write_usdz(package / "small.usdz", package / "world.usda", most_bytes=100_000)
    assert not (package / "small.usdz").exists()


def test_what_lies_outside_or_is_missing_cannot_be_packed(package: Path) -> None:
    stray_payload(package)
    with pytest.raises(UsdError, match=r"it needs .*splat\.usdc"):
        write_usdz(package / "world.usdz", package / "world.usda")
    (package.parent / "splat.usdc").unlink()
    with pytest.raises(UsdError, match="isn't there"):
        write_usdz(package / "world.usdz", package / "world.usda")


DROP = """
import sys
from pathlib import Path

from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics

from lyra_sim.physics.physx_engine import PhysxEngine

world, host = map(Path, sys.argv[1:])
stage = Usd.Stage.CreateNew(str(host))
UsdGeom.SetStageUpAxis(stage, "Z")
UsdGeom.SetStageMetersPerUnit(stage, 1.0)
stage.GetRootLayer().subLayerPaths.append(str(world))
ball = UsdGeom.Sphere.Define(stage, "/ball")
ball.CreateRadiusAttr(0.15)
ball.AddTranslateOp().Set(Gf.Vec3d(0.9, 0.5, 1.0))  # above the table, whose top is at 0.7 m
UsdPhysics.CollisionAPI.Apply(ball.GetPrim())
UsdPhysics.RigidBodyAPI.Apply(ball.GetPrim())
stage.Save()
engine = PhysxEngine(host, bodies=["/ball"], wheel_joints=[])
for _ in range(120):
    engine.step(1 / 120)
print("height", engine.poses().positions[0, 2])
"""


@pytest.mark.physics
def test_a_ball_rests_on_the_packed_table(packed: StageBundle, tmp_path: Path) -> None:
    alone = shutil.copy(packed.packed, tmp_path / "elsewhere.usdz")
    command = [sys.executable, "-c", DROP, str(alone), str(tmp_path / "host.usda")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    heights = [float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("height ")]
    assert heights == [pytest.approx(0.85, abs=0.01)], done.stderr[-2000:]
