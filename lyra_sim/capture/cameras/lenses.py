"""Lenses of given cameras, made to fit the photos they are given with."""

from dataclasses import dataclass, field, replace

from lyra_sim.data.posed import Lens, Photo
from lyra_sim.errors import InputError

SAME_SHAPE = 0.01
"""Width and height may differ by this much in scale: sizes are whole pixels, and tools round them either way. Convention."""


@dataclass(kw_only=True)
class Lenses:
    """Distinct lenses, in order of first use."""

    distinct: list[Lens] = field(default_factory=list)
    _place: dict[tuple[object, ...], int] = field(default_factory=dict)

    def add(self, lens: Lens, photo: Photo, *, subject: str) -> int:
        """Place of the lens that ``photo`` was taken with, among ``distinct``."""
        fitting = fitted_lens(lens, photo, subject=subject)
        key = (fitting.K.tobytes(), fitting.distortion.tobytes(), fitting.width, fitting.height)
        if key not in self._place:
            self._place[key] = len(self.distinct)
            self.distinct.append(fitting)
        return self._place[key]


def fitted_lens(lens: Lens, photo: Photo, *, subject: str) -> Lens:
    """``lens`` for the size the photo has: photos of given cameras are often kept in a smaller copy.

    Raises:
        InputError: The photo has another shape than the camera.
    """
    if (lens.width, lens.height) == (photo.width, photo.height):
        return lens
    across, down = photo.width / lens.width, photo.height / lens.height
    if abs(across / down - 1) <= SAME_SHAPE:
        K = lens.K.copy()
        K[0] *= across
        K[1] *= down
        return replace(lens, K=K, width=photo.width, height=photo.height)
    turned = abs(photo.width / lens.height / (photo.height / lens.width) - 1) <= SAME_SHAPE
    raise InputError(
        subject,
        f"a camera of {lens.width}x{lens.height} pixels for photo '{photo.name}' of {photo.width}x{photo.height}",
        expected="the photo's size, or a scaled copy of it",
        likely="The photo was turned upright as its EXIF says; the camera file means it as stored."
        if turned
        else "The photo was cropped, or belongs to another camera.",
        next_step="Write the photos without EXIF orientation, as the camera file means them." if turned else None,
    )
