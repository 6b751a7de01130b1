"""OpenCV cameras in a transforms.json, which is read as OpenGL by its own convention."""

import numpy as np

from tests.broken_rooms import edit_transforms
from tests.photo_rooms import photo_room


def make(folder):
    photo_room(every=3).write(folder)

    def flip(facts):
        for frame in facts["frames"]:
            frame["transform_matrix"] = (np.array(frame["transform_matrix"]) @ np.diag([1.0, -1, -1, 1])).tolist()

    edit_transforms(folder, flip)
