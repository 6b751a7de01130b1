"""Camera positions in centimetres beside depth in millimetres."""

from tests.broken_rooms import edit_transforms, write_room


def make(folder):
    write_room(folder)

    def enlarge(facts):
        for frame in facts["frames"]:
            for row in frame["transform_matrix"][:3]:
                row[3] *= 100

    edit_transforms(folder, enlarge)
