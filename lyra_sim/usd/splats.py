"""Gaussian splats as ParticleField3DGaussianSplat (OpenUSD 26.03 and later), both ways.

USD stores activated values (linear standard deviations, opacities in 0..1) where a 3DGS PLY stores raw ones, and the
coefficients particle by particle, DC first, where the PLY goes channel by channel.
"""

import numpy as np
from jaxtyping import Float32
from pxr import Gf, Usd, UsdGeom, UsdVol, Vt

from lyra_sim.conventions import quats_wxyz_from_xyzw, quats_xyzw_from_wxyz
from lyra_sim.data.splats import Splats
from lyra_sim.errors import UsdError
from lyra_sim.usd.stage import set_extent, vec3f_array

GAUSSIANS = "gaussians"
"""Name of the field's prim under the splat layer's root."""

COLOR_SPACE = "srgb_rec709_display"
"""What photographs, and so 3DGS colours, are in; without it a renderer takes the colours as linear and washes them out."""

EXTENT_SIGMAS = 3.0
"""Margin of the authored bounds, in the largest standard deviation of each splat. Convention."""

_DEGREE = "radiance:sphericalHarmonicsDegree"
_COEFFICIENTS = "radiance:sphericalHarmonicsCoefficients"


def define_splats(stage: Usd.Stage, path: str, splats: Splats, *, half: bool = False) -> Usd.Prim:
    """Author ``splats`` as one field at ``path``, in the coordinates they are in.

    Args:
        stage: Where to author.
        path: Prim path of the field.
        splats: Raw 3DGS parameters; all are kept, in order.
        half: Store everything but the positions as 16-bit floats: half the size, but readers older than the schema's
            half twins (and NVIDIA's rule VG.035) don't accept it. Positions never: 8 mm steps beyond 8 m.
    """
    field = UsdVol.ParticleField3DGaussianSplat.Define(stage, path)
    prim = field.GetPrim()
    prim.GetAttribute("positions").Set(vec3f_array(splats.means))
    quats = splats.quats_wxyz / np.linalg.norm(splats.quats_wxyz, axis=1, keepdims=True)
    coefficients = splats.sh_coeffs.reshape(-1, 3)
    suffix = "h" if half else ""
    if half:
        prim.GetAttribute("orientationsh").Set(Vt.QuathArray.FromNumpy(quats_xyzw_from_wxyz(quats).astype(np.float16)))
        prim.GetAttribute("scalesh").Set(Vt.Vec3hArray.FromNumpy(splats.scales.astype(np.float16)))
        prim.GetAttribute("opacitiesh").Set(Vt.HalfArray.FromNumpy(splats.opacities.astype(np.float16)))
        prim.GetAttribute(_COEFFICIENTS + "h").Set(Vt.Vec3hArray.FromNumpy(coefficients.astype(np.float16)))
    else:
        prim.GetAttribute("orientations").Set(Vt.QuatfArray.FromNumpy(quats_xyzw_from_wxyz(quats.astype(np.float32))))
        prim.GetAttribute("scales").Set(vec3f_array(splats.scales))
        prim.GetAttribute("opacities").Set(Vt.FloatArray.FromNumpy(splats.opacities))
        prim.GetAttribute(_COEFFICIENTS).Set(vec3f_array(coefficients))
    prim.GetAttribute(_DEGREE).Set(splats.sh_degree)
    # The schema says nothing of a primvar, but NVIDIA's VG.035 reads the layout from a primvar's metadata.
    coefficients_attr = prim.GetAttribute(_COEFFICIENTS + suffix)
    coefficients_attr.SetMetadata("interpolation", UsdGeom.Tokens.vertex)
    coefficients_attr.SetMetadata("elementSize", splats.sh_coeffs.shape[1])
    _state_color_space(prim)
    field.CreateSortingModeHintAttr("cameraDistance")
    field.CreateProjectionModeHintAttr("perspective")
    set_extent(prim, *splat_bounds(splats))
    return prim


def _state_color_space(prim: Usd.Prim) -> None:
    """Name the space as Kit's renderer knows it, and define that name, which OpenUSD wasn't built with (IEC 61966-2-1)."""
    space = Usd.ColorSpaceDefinitionAPI.Apply(prim, COLOR_SPACE)
    space.CreateNameAttr().Set(COLOR_SPACE)
    space.CreateRedChromaAttr().Set(Gf.Vec2f(0.64, 0.33))
    space.CreateGreenChromaAttr().Set(Gf.Vec2f(0.30, 0.60))
    space.CreateBlueChromaAttr().Set(Gf.Vec2f(0.15, 0.06))
    space.CreateWhitePointAttr().Set(Gf.Vec2f(0.3127, 0.3290))
    space.CreateGammaAttr().Set(2.4)
    space.CreateLinearBiasAttr().Set(0.055)
    Usd.ColorSpaceAPI.Apply(prim).CreateColorSpaceNameAttr().Set(COLOR_SPACE)


def splat_bounds(splats: Splats) -> tuple[Float32[np.ndarray, "3"], Float32[np.ndarray, "3"]]:
    """Corners of a box that holds every splat to EXTENT_SIGMAS in any direction [frame units].

    Raises:
        UsdError: There are none.
    """
    if len(splats) == 0:
        raise UsdError("splats", "there are none", expected="at least one splat", next_step="Look at the reconstruct step.")
    reach = EXTENT_SIGMAS * splats.scales.max(axis=1, keepdims=True)
    return (splats.means - reach).min(axis=0), (splats.means + reach).max(axis=0)


def read_splats(prim: Usd.Prim) -> Splats:
    """The field at ``prim`` as raw 3DGS parameters; float attributes win over half ones, as the schema has it.

    Raises:
        UsdError: An attribute is missing.
    """

    def values(name: str) -> np.ndarray:
        for twin in (name, name + "h"):
            stored = prim.GetAttribute(twin).Get()
            if stored is not None and len(stored):
                return np.array(stored, np.float32)
        raise UsdError(str(prim.GetPath()), f"{name} isn't authored", expected="a complete ParticleField3DGaussianSplat")

    degree = int(prim.GetAttribute(_DEGREE).Get())
    opacities = np.clip(values("opacities").astype(np.float64), 1e-7, 1 - 1e-7)
    return Splats(
        means=values("positions"),
        quats_wxyz=quats_wxyz_from_xyzw(values("orientations")),
        log_scales=np.log(values("scales")),
        opacity_logits=np.log(opacities / (1 - opacities)).astype(np.float32),
        sh_coeffs=values(_COEFFICIENTS).reshape(-1, (degree + 1) ** 2, 3),
    )
