"""Camera y and z negated: an OpenCV path in a file that is read as OpenGL."""

import numpy as np

from tests.broken_rooms import edit_transforms, write_room


def make(folder):
    write_room(folder)

    def flip(facts):
        for frame in facts["frames"]:
            frame["transform_matrix"] = (np.array(frame["transform_matrix"]) @ np.diag([1.0, -1, -1, 1])).tolist()

    edit_transforms(folder, flip)
