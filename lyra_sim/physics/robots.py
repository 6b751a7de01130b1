"""The stock robots of ``usd_templates/robots/`` as a controller sees them, and which of them a scene's robot is."""

from dataclasses import dataclass
from typing import Literal

RobotKind = Literal["diff_drive", "skid_steer"]


@dataclass(frozen=True, kw_only=True)
class DiffDrive:
    """A robot that is steered by the difference of its two sides' speeds, however many wheels each side has."""

    kind: RobotKind = "diff_drive"
    template: str = "diff_drive"
    """Stem of its layer."""
    wheel_radius: float = 0.08
    """[m]"""
    track: float = 0.4
    """Between the middles of left and right wheels [m]."""
    footprint_radius: float = 0.23
    """Of a vertical cylinder about the origin that holds every part [m]."""
    left_wheels: tuple[str, ...] = ("left",)
    """Its wheel joints are ``joints/<name>_wheel_joint``."""
    right_wheels: tuple[str, ...] = ("right",)

    @property
    def wheels(self) -> tuple[str, ...]:
        """Left ones first: the order of :attr:`lyra_sim.physics.request.RouteRequest.wheel_joints`."""
        return (*self.left_wheels, *self.right_wheels)

    @property
    def scrubs(self) -> bool:
        """It turns by dragging wheels sideways, so its wheel speeds alone don't tell how far."""
        return len(self.left_wheels) > 1


def _scaled(template: str, size: float) -> DiffDrive:
    """``diff_drive`` at another size."""
    stock = DiffDrive()
    return DiffDrive(
        template=template,
        wheel_radius=round(size * stock.wheel_radius, 7),
        track=round(size * stock.track, 7),
        footprint_radius=round(size * stock.footprint_radius, 7),
    )


ROBOTS = (
    _scaled("diff_drive_60cm", 0.60 / 0.42),
    DiffDrive(),
    DiffDrive(
        kind="skid_steer",
        template="skid_steer",
        wheel_radius=0.05,
        track=0.32,
        footprint_radius=0.23,
        left_wheels=("front_left", "rear_left"),
        right_wheels=("front_right", "rear_right"),
    ),
    _scaled("diff_drive_30cm", 0.30 / 0.42),
    _scaled("diff_drive_small", 0.6),
)
"""Largest first; the differential drives are one machine, 0.60, 0.42, 0.30 and 0.25 m wide over the wheels."""


def largest_robot_within(radius: float, *, kind: RobotKind | Literal["auto"] = "auto") -> DiffDrive | None:
    """The largest robot whose footprint stays inside a disc of ``radius`` [m]; None when none does.

    ``auto`` takes a differential drive: there is one for nearly every radius, and it drives alike in every engine.
    """
    wanted = "diff_drive" if kind == "auto" else kind
    return next((robot for robot in ROBOTS if robot.kind == wanted and robot.footprint_radius <= radius), None)


def smallest_radius(kind: RobotKind | Literal["auto"] = "auto") -> float:
    """Of the smallest robot of a kind [m]: narrower ways than it needs can't be proven."""
    wanted = "diff_drive" if kind == "auto" else kind
    return min(robot.footprint_radius for robot in ROBOTS if robot.kind == wanted)
