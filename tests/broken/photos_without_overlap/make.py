"""Two photos of opposite walls."""

from tests.photo_rooms import photo_room


def make(folder):
    photo_room(every=12).write(folder)
