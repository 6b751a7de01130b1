"""Photos without cameras in metres: what is found from photos has no unit. Said before cameras are looked for."""

from tests.photo_rooms import photo_room


def make(folder):
    photo_room(every=12).write(folder)
