"""What happened, one JSON object a line in ``events.jsonl``, and to whoever listens."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

Kind = Literal["build_started", "started", "finished", "skipped", "failed", "left", "note", "build_finished"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """One fact about a build or one of its steps."""

    kind: Kind
    scene: str = ""
    step: str = ""
    reason: str = ""
    """Why it runs, was skipped, or failed; of a note, what it says."""
    seconds: float | None = None
    index: int = 0
    """Position of the step, from 1."""
    count: int = 0
    """How many steps there are."""

    def to_json(self) -> dict[str, Any]:
        row = {"event": self.kind, "scene": self.scene, "step": self.step, "reason": self.reason, "seconds": self.seconds}
        return {name: value for name, value in row.items() if value not in ("", None)}


Listener = Callable[[Event], None]


class EventLog:
    """Appends to a file and tells listeners; safe to use from the threads of several scenes."""

    def __init__(self, path: Path, *listeners: Listener) -> None:
        self._path, self._listeners, self._lock = path, listeners, threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)

    def __call__(self, event: Event) -> None:
        row = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **event.to_json()}
        with self._lock:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
            for listener in self._listeners:
                listener(event)
