"""A depth image cut off half way, as a full disk leaves it."""

from tests.broken_rooms import write_room


def make(folder):
    write_room(folder)
    path = folder / "depth_mm" / "0005.png"
    path.write_bytes(path.read_bytes()[:300])
