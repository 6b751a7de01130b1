"""The package's commands and what doctor says of it, through the door of the command line."""

import subprocess
import sys

import numpy as np

from lyra_sim.command import doctor
from lyra_sim.plugins import find_plugin
from lyra_sim_lyra2 import profiles
from tests.command_line import lyra_sim
from tests.lyra2.vectors import write_vectors


def test_doctor_tells_profile_and_seconds(monkeypatch):
    monkeypatch.setattr(doctor, "IMPORTS", ("json",))
    monkeypatch.setattr(doctor, "all_plugins", lambda: (find_plugin("generator", "lyra2"),))

    def told(gb: float):
        monkeypatch.setattr(profiles, "gpu_gb", lambda: gb)
        return next(finding for finding in doctor.examine() if finding.subject == "generator lyra2")

    assert told(0.0).state == "note" and "no GPU that torch can use" in told(0.0).detail
    assert told(12.0).state == "note" and "12 GB is too small" in told(12.0).detail
    for gb, name in ((85.0, "80gb"), (50.0, "48gb"), (25.0, "24gb")):
        assert told(gb).state == "ok" and f"profile {name}" in told(gb).detail and "s distilled" in told(gb).detail


def test_listing_and_help_load_no_network():
    code = (
        "import sys; from lyra_sim.command.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: print(*[name for name in ('torch', 'diffusers', 'transformers') if name in sys.modules], 'loaded')"
    )
    for arguments in (["--help"], ["plugins"], ["weights", "--help"], ["verify", "--help"]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1].strip() == "loaded", arguments
        if arguments == ["--help"]:
            assert "weights" in done.stdout and "verify" in done.stdout


def test_verify_memory_says_what_was_expected_and_found(tmp_path, capsys):
    write_vectors(tmp_path / "v.safetensors", height=32, width=64)
    code, printed = lyra_sim(["verify", "memory", "--vectors", str(tmp_path / "v.safetensors")], capsys)
    assert code == 0 and printed.splitlines()[-1] == "agrees"
    assert printed.splitlines()[:2] == ["retrieved expected  [0]", "retrieved found     [0]"]
    assert [line.split()[0] for line in printed.splitlines()[2:6]] == ["latents", "condition", "mask", "correspondence"]

    write_vectors(tmp_path / "v.safetensors", height=32, width=64, output__mask=np.zeros((1, 4, 27, 4, 8), np.float32))
    code, printed = lyra_sim(["verify", "memory", "--vectors", str(tmp_path / "v.safetensors")], capsys)
    assert code == 1 and "mask                1.00e+00" in printed and printed.splitlines()[-1] == "differs"


def test_verify_memory_without_a_vector_file(tmp_path, capsys):
    (tmp_path / "text").write_text("hello")
    for path, code, message in (("none", 3, "no such file"), ("text", 2, "can't be read as safetensors")):
        ended, printed = lyra_sim(["verify", "memory", "--vectors", str(tmp_path / path)], capsys)
        assert ended == code and message in printed and "Traceback" not in printed
    assert lyra_sim(["verify", "memory"], capsys)[0] == 2
