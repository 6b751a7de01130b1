"""A point marked in a photo that isn't there: its name is written with the suffix. Said before cameras are looked for."""

from tests.photo_rooms import photo_room


def make(folder):
    photo_room(every=12).write(folder)
