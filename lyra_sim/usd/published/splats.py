"""The splats of a package, as its own layer holds them."""

from pathlib import Path

import numpy as np
from pxr import Usd, UsdGeom

from lyra_sim.data.splats import Splats
from lyra_sim.errors import InputError, LyraSimError
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.usd.splats import read_splats
from lyra_sim.usd.world import SPLAT_LAYER

FIELD = "ParticleField3DGaussianSplat"


def read_package_splats(folder: Path) -> Splats | None:
    """All fields of the splat layer in the world they stand in; None where it has none.

    Raises:
        InputError: A field isn't whole.
    """
    file = folder / SPLAT_LAYER
    if not file.is_file():
        return None
    stage, cache = Usd.Stage.Open(str(file)), UsdGeom.XformCache()
    try:
        parts = [
            read_splats(prim).moved(Similarity.from_matrix(np.array(cache.GetLocalToWorldTransform(prim)).T))
            for prim in stage.Traverse()
            if prim.GetTypeName() == FIELD
        ]
    except LyraSimError as error:
        raise InputError(str(file), f"its splats can't be read ({error})", next_step="Build the author step again.") from error
    except (TypeError, ValueError) as error:
        raise InputError(str(file), f"its splats can't be read ({type(error).__name__}: {error})") from error
    if not parts:
        return None
    names = ("means", "quats_wxyz", "log_scales", "opacity_logits", "sh_coeffs")
    return Splats(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
