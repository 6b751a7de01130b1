"""One camera matrix holds NaN, as a failed tracker writes it."""

from tests.broken_rooms import edit_transforms, write_room


def make(folder):
    write_room(folder)

    def spoil(facts):
        facts["frames"][4]["transform_matrix"][0][3] = float("nan")

    edit_transforms(folder, spoil)
