"""A COLMAP model of which the file with the cameras' places was forgotten."""

from tests.photo_rooms import photo_room


def make(folder):
    photo_room(every=12).write(folder)
    (folder / "sparse").mkdir()
    (folder / "sparse" / "cameras.txt").write_text("1 PINHOLE 320 240 210 210 160 120\n", encoding="ascii")
    (folder / "sparse" / "points3D.txt").write_text("", encoding="ascii")
