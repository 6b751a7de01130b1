"""The calls of ``DepthAnything3`` that are used, with the parameters, shapes and types of release 0.1.1.

In place of the network: exact depth of a room at the size the network works at, in a hidden scale, and the cameras in a frame
and scale of their own. Like the network it takes cameras only in the presets that do, gives sky the depth of what is far with
confidence 1, and computes in float32.
"""

from types import SimpleNamespace

import numpy as np
import torch

from lyra_sim.geometry.rigid import Similarity, invert_rigid
from tests.depth.providers.known_room import resized_depth


class DepthAnything3:
    preset = "da3-large"
    factor = 1.0
    """Length of one unit of the world in units of the network."""
    own_from_world = Similarity.identity()
    """Rotation and shift of the network's frame."""
    frames = None
    """Cameras of the frames to come, as they truly are."""
    room = None

    def __init__(self) -> None:
        self.model_name = self.preset
        self.asked: list[SimpleNamespace] = []

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str, **kwargs) -> "DepthAnything3":
        assert isinstance(pretrained_model_name_or_path, str) and not kwargs
        return cls()

    def to(self, device: str) -> "DepthAnything3":
        self.device = torch.device(device)
        return self

    def eval(self) -> "DepthAnything3":
        return self

    def input_processor(
        self, image, extrinsics=None, intrinsics=None, process_res=504, process_res_method="upper_bound_resize", **kwargs
    ):
        assert process_res_method == "upper_bound_resize" and not kwargs and isinstance(image, list)
        height, width = image[0].shape[:2]
        scale = process_res / max(height, width)
        h, w = (max(1, round(side * scale / 14)) * 14 for side in (height, width))
        stretched = None
        if intrinsics is not None:
            stretched = intrinsics.copy()
            stretched[:, 0] *= w / width
            stretched[:, 1] *= h / height
        as_float = lambda values: None if values is None else torch.from_numpy(np.asarray(values)).float()  # noqa: E731
        return torch.zeros(len(image), 3, h, w), as_float(extrinsics), as_float(stretched)

    def forward(
        self,
        image,
        extrinsics=None,
        intrinsics=None,
        export_feat_layers=None,
        infer_gs=False,
        use_ray_pose=False,
        ref_view_strategy="saddle_balanced",
    ):
        assert image.dtype == torch.float32 and image.shape[:2] == (1, len(self.frames))
        assert export_feat_layers == []  # None is counted, and fails
        alone = self.model_name in ("da3metric-large", "da3mono-large")
        assert extrinsics is None or not alone, "these have no encoder for cameras"
        self.asked.append(SimpleNamespace(w2c=extrinsics, K=intrinsics))
        height, width = image.shape[-2:]
        cameras = self.frames.resized(width, height)
        z = resized_depth(self.room, self.frames, width, height) * np.float32(self.factor)
        sky = np.zeros(z.shape, bool)
        sky[:, :14] = True
        out = {"depth": torch.from_numpy(z)[None]}
        if self.model_name == "da3metric-large":
            focal = (cameras.K[:, 0, 0] + cameras.K[:, 1, 1])[:, None, None].astype(np.float32) / 2
            out["depth"] = torch.from_numpy(z / self.factor / focal * 300)[None]
            out["sky"] = torch.from_numpy(sky.astype(np.float32))[None]
            out["depth"][out["sky"] > 0] = 200.0
            return out
        own = self.own_from_world
        c2w = own.apply_cameras(cameras.c2w)
        c2w[:, :3, 3] *= self.factor
        out["depth_conf"] = torch.full_like(out["depth"], 5.0)
        if self.model_name == "da3nested-giant-large":
            out["is_metric"] = 1
            out["depth"] *= 1 + 1e-4 * torch.rand(())  # its factor rests on pixels drawn at random
            out["depth"][torch.from_numpy(sky)[None]] = 200.0
            out["depth_conf"][torch.from_numpy(sky)[None]] = 1.0
        out["extrinsics"] = torch.from_numpy(invert_rigid(c2w)[:, :3].astype(np.float32))[None]
        out["intrinsics"] = torch.from_numpy(cameras.K.astype(np.float32))[None]
        return out

    def output_processor(self, model_output):
        part = lambda name: model_output[name].squeeze(0).numpy() if name in model_output else None  # noqa: E731
        sky = part("sky")
        return SimpleNamespace(
            depth=part("depth"),
            conf=part("depth_conf"),
            extrinsics=part("extrinsics"),
            intrinsics=part("intrinsics"),
            is_metric=model_output.get("is_metric", 0),
            sky=None if sky is None else sky >= 0.5,
        )
