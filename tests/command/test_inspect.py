"""``lyra-sim inspect`` and ``lyra-sim formats`` as a shell sees them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from lyra_sim.inspection.findings import Inspection
from lyra_sim.inspection.formats import ROWS
from lyra_sim.scene.scene_file import load_scenes
from tests.capture.given_rooms import mesh_of
from tests.command_line import lyra_sim
from tests.rooms import furnished_room


@pytest.fixture(scope="module")
def mesh() -> trimesh.Trimesh:
    return mesh_of(furnished_room(views=2))


def test_it_tells_reads_doubts_and_ends_with_the_scene(tmp_path: Path, mesh, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    mesh.export(tmp_path / "room.obj")
    code, shown = lyra_sim(["inspect", "room.obj"], capsys)
    assert code == 0
    assert shown.startswith(
        "room.obj: a mesh (OBJ)\nreader   mesh.OBJ: confirmed by Blender 5.0.1, trimesh 5.2.0, Open3D 0.20.0\n"
    )
    for said in (
        "up       guessed z",
        "scale    guessed metric: 1 m per unit",
        "doubt    a floor inside: held; ",
        "state    up: guessed z; the file doesn't say",
        "verdict  would be read once the scene states what no file says",
    ):
        assert said in shown, shown
    (tmp_path / "scenes.yaml").write_text(shown.partition("\n# ")[2].partition("\n")[2])
    (scene,) = load_scenes("scenes.yaml")
    assert (scene.name, scene.up, scene.scale, scene.source.files) == ("room", "z", "metric", (tmp_path / "room.obj",))
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".mtl") == ["room.obj", "scenes.yaml"]


def test_json_is_the_findings_and_nothing_else(tmp_path: Path, mesh, capsys) -> None:
    mesh.export(tmp_path / "room.ply")
    code, shown = lyra_sim(["inspect", str(tmp_path / "room.ply"), "--json", "--set", "up=z", "--set", "scale=metric"], capsys)
    found = Inspection.model_validate_json(shown)
    assert code == 0 and found.verdict == "read" and json.loads(shown)["version"] == 1
    assert set(json.loads(shown)) == set(Inspection.model_fields), "a key that comes or goes is another version"
    assert found.readings[0].taken["triangles"] == len(mesh.faces) and not found.asks


@pytest.mark.parametrize("json_", [False, True])
def test_a_refusal_has_the_readers_words_and_its_exit_code(tmp_path: Path, capsys, json_: bool) -> None:
    (tmp_path / "cut.glb").write_bytes(b"glTF\x02\0\0\0\xff\xff\0\0")
    code, shown = lyra_sim(["inspect", str(tmp_path / "cut.glb"), *(["--json"] if json_ else [])], capsys)
    assert code == 3
    if json_:
        refusal = json.loads(shown)["refusal"]
        assert refusal["error"] == "InputError" and refusal["exit_code"] == 3 and "cut.glb" in refusal["text"]
    else:
        assert "refused  InputError: " in shown and "verdict  would be refused" in shown and "Traceback" not in shown
    assert lyra_sim(["inspect", str(tmp_path / "none")], capsys)[0] == 3


def test_a_wrong_setting_is_a_usage_error(tmp_path: Path, capsys) -> None:
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "a.png")
    code, shown = lyra_sim(["inspect", str(tmp_path / "a.png"), "--set", "upp=z"], capsys)
    assert code == 2 and "Did you mean 'up'?" in shown


def test_it_is_listed_and_loads_no_torch_for_photos(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "a.png")
    code = (
        "import sys; from lyra_sim.command.cli import app; "
        f"app(['inspect', {str(tmp_path / 'a.png')!r}], standalone_mode=False); "
        "assert 'torch' not in sys.modules and 'pxr' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_formats_lists_every_row(capsys) -> None:
    code, shown = lyra_sim(["formats"], capsys)
    assert code == 0 and all(f"  {row.name}: from {row.comes_from}; " in shown for row in ROWS)
    assert "Polycam raw data: from Polycam; unconfirmed: files of our own only" in shown
    rows = json.loads(lyra_sim(["formats", "--json"], capsys)[1])
    assert [row["key"] for row in rows] == [row.key for row in ROWS]
    (spz,) = (row for row in rows if row["key"] == "splats.SPZ")
    assert {one["tool"] for one in spz["confirmed"]} == {"splat-transform 3.7.0"} and spz["written_as"] == [".spz"]
