"""What is found while a path is looked at, so that an error on the way loses nothing of it."""

from dataclasses import dataclass, field

from lyra_sim.inspection.findings import Asked, Doubt, Frame, Reading


@dataclass(kw_only=True)
class Found:
    """Filled step by step; the names are those of :class:`lyra_sim.inspection.findings.Inspection`."""

    readings: tuple[Reading, ...] = ()
    facts: dict[str, int | float | str] = field(default_factory=dict)
    frame: Frame | None = None
    doubts: tuple[Doubt, ...] = ()
    told: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    asks: tuple[Asked, ...] = ()
