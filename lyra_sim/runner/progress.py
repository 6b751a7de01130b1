"""Tells a person how a build goes: live lines on a terminal, plain ones anywhere else."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from lyra_sim.runner.events import Event, Listener


@contextmanager
def progress(console: Console) -> Iterator[Listener]:
    """A listener that suits the console."""
    if not console.is_terminal:
        yield lambda event: _plain(console, event)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as display:
        yield _Live(display)


def line_of(event: Event) -> str | None:
    """One line for an event; None for those that say nothing new."""
    place = f"{event.scene}  {event.index}/{event.count} {event.step}"
    match event.kind:
        case "started":
            return f"{place}: {event.reason}"
        case "finished":
            return f"{place} done in {event.seconds:.1f} s"
        case "skipped":
            return f"{place} {event.reason}"
        case "failed":
            return f"{event.scene}  {event.step} FAILED"
        case "note":
            return f"{event.scene}  note: {event.reason}"
    return None


def _plain(console: Console, event: Event) -> None:
    line = line_of(event)
    if line is not None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


class _Live:
    """One moving line per scene; what happened stays above it."""

    def __init__(self, display: Progress) -> None:
        self._display = display
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        if event.scene:
            if event.scene not in self._tasks:
                self._tasks[event.scene] = self._display.add_task(event.scene, total=event.count or None)
            done = event.index if event.kind in ("finished", "skipped", "note") else event.index - 1
            about = f"{event.scene}  {event.step}"
            self._display.update(self._tasks[event.scene], description=about, total=event.count or None, completed=max(done, 0))
        if event.kind in ("finished", "failed", "note"):
            _plain(self._display.console, event)
