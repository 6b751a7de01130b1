"""What a person sees: plain lines where nobody watches, live ones on a terminal; and what the event log keeps."""

import io
import json

from rich.console import Console

from lyra_sim.runner.events import Event, EventLog
from lyra_sim.runner.progress import line_of, progress

EVENTS = [
    Event(kind="build_started", reason="1 scenes"),
    Event(kind="skipped", scene="room", step="capture", reason="unchanged", index=1, count=3),
    Event(kind="started", scene="room", step="mesh", reason="param changed: mesh.voxel_size (0.04 → 0.05)", index=2, count=3),
    Event(kind="finished", scene="room", step="mesh", reason="…", seconds=1.25, index=2, count=3),
    Event(kind="failed", scene="room", step="collide", reason="GeometryError"),
    Event(kind="build_finished", seconds=2.0),
]
LINES = [
    "room  1/3 capture unchanged",
    "room  2/3 mesh: param changed: mesh.voxel_size (0.04 → 0.05)",
    "room  2/3 mesh done in 1.2 s",
    "room  collide FAILED",
]


def shown(*, terminal: bool) -> str:
    text = io.StringIO()
    with progress(Console(file=text, force_terminal=terminal, width=100)) as listener:
        for event in EVENTS:
            listener(event)
    return text.getvalue()


def test_plain_lines_without_a_terminal():
    assert [line for line in map(line_of, EVENTS) if line] == LINES
    assert shown(terminal=False).splitlines() == LINES


def test_a_terminal_keeps_what_happened():
    text = shown(terminal=True)
    assert "room  2/3 mesh done in 1.2 s" in text and "room  collide FAILED" in text and "\x1b[" in text


def test_the_log_appends_one_object_a_line_and_leaves_out_what_is_empty(tmp_path):
    heard: list[Event] = []
    for _ in range(2):
        log = EventLog(tmp_path / "out" / "events.jsonl", heard.append)
        for event in EVENTS:
            log(event)
    rows = [json.loads(line) for line in (tmp_path / "out" / "events.jsonl").read_text().splitlines()]
    assert len(rows) == 2 * len(EVENTS) == len(heard)
    assert rows[3].keys() == {"time", "event", "scene", "step", "reason", "seconds"} and rows[3]["seconds"] == 1.25
    assert rows[5].keys() == {"time", "event", "seconds"}
