"""1.5 m on the floor, measured as 0.4: the camera height, which is right, says otherwise."""

from tests.photo_rooms import photo_room


def make(folder):
    photo_room(every=3).write(folder)
