"""``lyra-sim weights``: what is printed, exit codes, and that the licence is asked for."""

import json
import subprocess
import sys

from tests.command_line import lyra_sim
from tests.lyra2.weights.published import as_published, native_state, write_single


def test_published_weights_are_converted_once_the_licence_is_accepted(tmp_path, capsys) -> None:
    source = write_single(tmp_path / "published", as_published(native_state()))
    code, printed = lyra_sim(["weights", "convert", str(source), str(tmp_path / "w")], capsys)
    assert code == 2 and not (tmp_path / "w").exists()
    assert "internal scientific research only" in printed and "--accept-license lyra2" in printed
    command = ["weights", "convert", str(source), str(tmp_path / "w"), "--accept-license", "lyra2", "--dtype", "fp16"]
    code, printed = lyra_sim(command, capsys)
    assert code == 0
    assert "licence: NVIDIA internal research" in printed and "google/umt5-xxl" in printed
    assert printed.endswith(f"{tmp_path / 'w'}: transformer\n")
    config = json.loads((tmp_path / "w" / "transformer" / "config.json").read_text())
    assert config["_class_name"] == "WorldTransformer3DModel" and config["num_layers"] == 2
    assert lyra_sim(command, capsys)[0] == 2, "the folder exists now"


def test_what_is_missing_is_told_without_a_trace(tmp_path, capsys) -> None:
    state = as_published(native_state())
    state.pop("net.blocks.1.ffn.2.bias")
    source = write_single(tmp_path / "published", state)
    code, printed = lyra_sim(["weights", "convert", str(source), str(tmp_path / "w")], capsys)
    assert code == 3 and "1 missing: blocks.1.ffn.net.2.bias" in printed and "Traceback" not in printed
    code, printed = lyra_sim(["weights", "convert", str(tmp_path / "nothing"), str(tmp_path / "w")], capsys)
    assert code == 3 and "no such file or folder" in printed


def test_random_weights(tmp_path, capsys) -> None:
    command = ["weights", "random", str(tmp_path / "w"), "--seed", "3", "--part", "vae", "--part", "tokenizer"]
    code, printed = lyra_sim(command, capsys)
    assert code == 0 and "licence: none (random weights)" in printed
    assert sorted(path.name for path in (tmp_path / "w").iterdir()) == ["lyra_sim_weights.json", "tokenizer", "vae"]
    assert lyra_sim(["weights", "random", str(tmp_path / "v"), "--size", "huge"], capsys)[0] == 2


def test_help_costs_no_torch(capsys) -> None:
    code, printed = lyra_sim(["weights", "--help"], capsys)
    assert code == 0 and "convert" in printed and "random" in printed
    for option in "--dtype --shard-gb --accept-license --heads".split():
        assert option in lyra_sim(["weights", "convert", "--help"], capsys)[1]
    code = "import sys, lyra_sim_lyra2.weights_command, lyra_sim_lyra2.weights.folder; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
