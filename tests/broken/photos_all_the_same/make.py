"""One photo under five names: several were given, yet nothing can be told but a guess from one."""

from PIL import Image

from tests.photo_rooms import photo_room


def make(folder):
    (folder / "photos").mkdir()
    for number in range(5):
        Image.fromarray(photo_room(every=12).photos[0]).save(folder / "photos" / f"{number:04d}.jpg")
