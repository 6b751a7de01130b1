"""World-to-camera matrices where camera-to-world is meant."""

import numpy as np

from tests.broken_rooms import edit_transforms, write_room


def make(folder):
    write_room(folder)

    def invert(facts):
        for frame in facts["frames"]:
            frame["transform_matrix"] = np.linalg.inv(np.array(frame["transform_matrix"])).tolist()

    edit_transforms(folder, invert)
