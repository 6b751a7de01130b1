"""Trusted cameras, kept by what they were found from: finding them takes most of capture, and nothing of it asks for the scale.

The key holds the photos as they were taken in, how cameras are found, given cameras where there are any, the seed, and the
package that searches; none of it is the scene's scale, up or the size of its views. So whoever states a scale after a warning
doesn't wait for the cameras again. One set is kept, the last; a damaged file costs one search.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from lyra_sim.capture.trust.pose_choice import Chosen
from lyra_sim.data.files import read_arrays, write_arrays
from lyra_sim.data.posed import Lens, Photo, PhotoSet, PosedPhotos, PoseFacts, poses_from_json, poses_to_json
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.errors import InputError, StoreError
from lyra_sim.scene.spec import PosesConfig
from lyra_sim.store.digests import digest_of, file_digest

SEARCH_VERSION = 1
"""Raised, together with capture's version, whenever the same photos would be given other cameras. Convention."""


def key_of_cameras(photos: PhotoSet, given: PosedPhotos | None, poses: PosesConfig, *, seed: int) -> str:
    """Digest of all that cameras depend on.

    Args:
        photos: What was taken in.
        given: Cameras the source brings; None: they are found.
        poses: How they are found.
        seed: The scene's.
    """
    import pycolmap

    facts = [_facts(photo) for photo in photos.photos]
    how = {"version": SEARCH_VERSION, "pycolmap": pycolmap.__version__, "poses": poses.model_dump(mode="json"), "seed": seed}
    return digest_of({**how, "photos": facts, "given": None if given is None else _digest(given)})


def _facts(photo: Photo) -> dict[str, Any]:
    """Of a photo, with digests in place of its files."""
    facts = {**asdict(photo), "file": file_digest(photo.file)}
    mask = facts.pop("mask")
    return facts if mask is None else {**facts, "mask": file_digest(mask)}


def kept_cameras(folder: Path | None, key: str, find: Callable[[], Chosen]) -> Chosen:
    """The cameras that are kept under ``key``; else those of ``find``, which are kept from then on.

    Args:
        folder: Where they are kept; it may not be there yet. None: nowhere.
        key: From :func:`key_of_cameras`.
        find: Finds them; what it raises isn't kept.
    """
    if folder is None:
        return find()
    file = folder / f"cameras-{key[:32]}.npz"
    if file.is_file():
        try:
            return _read(file)
        except (InputError, StoreError, KeyError, ValueError):
            pass  # a cache: losing it costs one search
    chosen = find()
    folder.mkdir(parents=True, exist_ok=True)
    for other in folder.iterdir():
        other.unlink()
    staged = folder / f"staged-{os.getpid()}.npz"
    _write(staged, chosen)
    staged.replace(file)
    return chosen


def _digest(posed: PosedPhotos) -> str:
    arrays, facts = _arrays(posed)
    read = {
        name: [str(value.dtype), list(value.shape), hashlib.sha256(value.tobytes()).hexdigest()]
        for name, value in arrays.items()
    }
    return digest_of({"arrays": read, **facts})


def _arrays(posed: PosedPhotos) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    arrays = {
        "c2w": posed.c2w,
        "lens_index": posed.lens_index,
        "K": np.stack([lens.K for lens in posed.lenses]),
        "distortion": np.stack([lens.distortion for lens in posed.lenses]),
        "sizes": np.array([(lens.width, lens.height) for lens in posed.lenses]),
        "reprojection_px": np.array(posed.reprojection_px),
        **{f"sparse_{name}": value for name, value in vars(posed.sparse).items()},
    }
    return arrays, {"names": list(posed.names), "recipe": posed.recipe}


def _write(file: Path, chosen: Chosen) -> None:
    arrays, facts = _arrays(chosen.posed)
    facts |= {"facts": poses_to_json(chosen.facts), "dropped": chosen.dropped}
    write_arrays(file, told=np.frombuffer(json.dumps(facts).encode(), np.uint8), **arrays)


def _read(file: Path) -> Chosen:
    arrays = read_arrays(file)
    told = json.loads(arrays["told"].tobytes())
    facts = poses_from_json(told["facts"])
    if not isinstance(facts, PoseFacts):
        raise StoreError(str(file), "its facts are those of one photo", expected="facts of several")
    lenses = zip(arrays["K"], arrays["distortion"], arrays["sizes"].tolist(), strict=True)
    posed = PosedPhotos(
        names=tuple(told["names"]),
        c2w=arrays["c2w"],
        lens_index=arrays["lens_index"],
        lenses=tuple(Lens(K=K, distortion=distortion, width=width, height=height) for K, distortion, (width, height) in lenses),
        sparse=SparsePoints(
            **{name.removeprefix("sparse_"): value for name, value in arrays.items() if name.startswith("sparse_")}
        ),
        recipe=told["recipe"],
        reprojection_px=float(arrays["reprojection_px"]),
    )
    return Chosen(posed=posed, facts=facts, dropped=tuple((name, reason) for name, reason in told["dropped"]))
