"""The calls of ``MoGeModel`` that are used, with the parameters of versions 1 and 2 of release 2.0.0.

In place of the network: exact depth of a room, in version 1 with another factor for each frame; what it takes for sky is
infinitely far. Version 2 adds ``scale_head``.
"""

import numpy as np
import torch

from tests.depth.providers.known_room import resized_depth


class _Model:
    frames = None
    room = None
    asked: list = []  # noqa: RUF012

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, model_kwargs=None, **hf_kwargs):
        assert pretrained_model_name_or_path.is_file() and not hf_kwargs, "a folder can't be read, and nothing is fetched"
        return cls()

    def to(self, device):
        return self

    def eval(self):
        return self

    def _depth(self, image, fov_x, use_fp16):
        assert image.dim() == 4 and image.shape[1] == 3 and 0 <= image.min() and image.max() <= 1
        asked = _Model.asked
        done = sum(len(a[0]) for a in asked)
        asked.append((image, fov_x, use_fp16))
        some = self.frames.select(np.arange(done, done + len(image)))
        z = torch.from_numpy(resized_depth(self.room, some, image.shape[3], image.shape[2]))
        z[:, :5] = torch.inf
        return z, torch.arange(done, done + len(image))[:, None, None]


class _V1(_Model):
    def infer(
        self, image, fov_x=None, resolution_level=9, num_tokens=None, apply_mask=True, force_projection=True, use_fp16=True
    ):
        z, number = self._depth(image, fov_x, use_fp16)
        return {"depth": z * (0.2 + 0.1 * number), "mask": torch.isfinite(z)}


class _V2(_Model):
    scale_head = "a network"

    def infer(
        self, image, num_tokens=None, resolution_level=9, force_projection=True, apply_mask=True, fov_x=None, use_fp16=True
    ):
        z, _ = self._depth(image, fov_x, use_fp16)
        return {"depth": z, "mask": torch.isfinite(z)}


def import_model_class_by_version(version: str):
    return {"v1": _V1, "v2": _V2}[version]
