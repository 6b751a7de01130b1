"""Runs the command line in this process and hands back what a shell would see."""

import signal

import pytest

from lyra_sim.command.cli import main


def lyra_sim(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code, and everything printed to either stream."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
    finally:
        signal.signal(signal.SIGTERM, before)
    shown = capsys.readouterr()
    return int(ended.value.code or 0), shown.out + shown.err
