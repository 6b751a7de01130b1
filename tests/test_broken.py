"""Every fault in ``broken/`` ends with its exit code and says what it must; no traceback reaches the user."""

import runpy
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command_line import lyra_sim

FOLDERS = sorted(path.parent for path in (Path(__file__).parent / "broken").glob("*/expect.txt"))


@dataclass(frozen=True)
class Expectation:
    exit_code: int
    arguments: list[str]
    texts: list[str]

    @classmethod
    def read(cls, path: Path) -> "Expectation":
        first, *lines = path.read_text(encoding="utf-8").splitlines()
        word, _, code = first.partition(": ")
        assert word == "exit", f"{path}: the first line is 'exit: N'"
        run = "build scenes.yaml"
        if lines and lines[0].startswith("run: "):
            run = lines.pop(0).removeprefix("run: ")
        texts = [line for line in lines if line.strip()]
        assert texts, f"{path}: an exit code alone proves nothing"
        return cls(int(code), shlex.split(run), texts)


def test_there_are_faults():
    assert len(FOLDERS) >= 20


@pytest.mark.parametrize("fault", FOLDERS, ids=lambda path: path.name)
def test_fault(fault, tmp_path, monkeypatch, capsys):
    expected = Expectation.read(fault / "expect.txt")
    work = tmp_path / "work"
    shutil.copytree(fault, work)
    if (work / "make.py").is_file():
        runpy.run_path(str(work / "make.py"))["make"](work)
    monkeypatch.chdir(work)
    code, printed = lyra_sim(expected.arguments, capsys)
    assert code == expected.exit_code, printed
    for text in expected.texts:
        assert text in printed
    assert "Traceback" not in printed
    assert not (work / "pwned").exists()
