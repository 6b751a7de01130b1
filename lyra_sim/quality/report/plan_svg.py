"""A floor plan as inline SVG: a picture below, routes and marks in metres above it, sharp at any zoom."""

from html import escape

import numpy as np
from jaxtyping import Float

_STEPS_M = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Lengths of a scale bar [m]. Convention."""


class PlanSvg:
    """Collects marks over a world rectangle; x right, y up, in metres."""

    def __init__(self, uri: str, *, low: Float[np.ndarray, "2"], high: Float[np.ndarray, "2"]) -> None:
        """``uri`` is the picture of exactly the rectangle from ``low`` to ``high`` [m]."""
        self._low, self._high = np.asarray(low, np.float64), np.asarray(high, np.float64)
        width, height = self._high - self._low
        self._parts = [
            f'<image href="{uri}" x="0" y="0" width="{width:.3f}" height="{height:.3f}" preserveAspectRatio="none"/>'
        ]

    def line(self, points: Float[np.ndarray, "n 2"], *, style: str, title: str) -> None:
        """A polyline; ``style`` is a CSS class, ``title`` shows on hover."""
        if len(points) > 1:
            text = " ".join(f"{x:.3f},{y:.3f}" for x, y in self._flip(points))
            self._parts.append(f'<polyline class="{style}" points="{text}"><title>{escape(title)}</title></polyline>')

    def dot(self, point: Float[np.ndarray, "2"], *, radius: float, style: str, title: str) -> None:
        """A disc of ``radius`` [m]."""
        x, y = self._flip(np.asarray(point)[None])[0]
        self._parts.append(
            f'<circle class="{style}" cx="{x:.3f}" cy="{y:.3f}" r="{radius:g}"><title>{escape(title)}</title></circle>'
        )

    def square(self, point: Float[np.ndarray, "2"], *, half: float, style: str, title: str) -> None:
        """A square of twice ``half`` [m]."""
        x, y = self._flip(np.asarray(point)[None])[0]
        self._parts.append(
            f'<rect class="{style}" x="{x - half:.3f}" y="{y - half:.3f}" width="{2 * half:.3f}" height="{2 * half:.3f}">'
            f"<title>{escape(title)}</title></rect>"
        )

    def heading(self, point: Float[np.ndarray, "2"], *, yaw: float, radius: float, style: str) -> None:
        """A disc with a stroke to where it looks; yaw from +x towards +y [rad]."""
        self.dot(point, radius=radius, style=style, title="spawn pose")
        ahead = np.stack([point, point + 1.8 * radius * np.array([np.cos(yaw), np.sin(yaw)])])
        self.line(ahead, style=style, title="heading")

    def html(self, *, label: str) -> str:
        """The finished element, with a scale bar of a round length."""
        width, height = self._high - self._low
        bar = max([step for step in _STEPS_M if step <= width / 4], default=_STEPS_M[0])
        x, y, size = 0.02 * width, height - 0.03 * width, max(width, height) / 45
        scale = (
            f'<path class="halo" d="M{x:.3f} {y:.3f}h{bar:g}" stroke-width="{size / 2:.3f}"/>'
            f'<path class="bar" d="M{x:.3f} {y:.3f}h{bar:g}" stroke-width="{size / 6:.3f}"/>'
            f'<text class="bar" x="{x:.3f}" y="{y - size / 2:.3f}" font-size="{size:.3f}">{bar:g} m</text>'
        )
        inside = "".join(self._parts) + scale
        return (
            f'<svg class="plan" role="img" aria-label="{escape(label)}" viewBox="0 0 {width:.3f} {height:.3f}">{inside}</svg>'
        )

    def _flip(self, points: np.ndarray) -> np.ndarray:
        """World to picture: y grows downward there."""
        return np.column_stack([points[:, 0] - self._low[0], self._high[1] - points[:, 1]])
