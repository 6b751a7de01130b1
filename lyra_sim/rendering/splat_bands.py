"""Projected splats sorted into bands of image rows, blended there, and the gradients of that; numpy in and out."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32, Int64

from lyra_sim.rendering.splat_kernels import BAND_ROWS, blend, blend_backward, gather_slots
from lyra_sim.rendering.splat_order_kernels import bin_bands, depth_order, extents, pack_ellipses


@dataclass(frozen=True, kw_only=True)
class Blended:
    """An image over black."""

    colors: Float32[np.ndarray, "h w c"]
    z_depth: Float32[np.ndarray, "h w"]
    """Alpha-weighted sum."""
    transmittance: Float32[np.ndarray, "h w"]
    """Share of light that is left, 0..1."""


@dataclass(frozen=True, kw_only=True)
class Bands:
    """What the loops over pixels walk: everything that depends on where splats lie, nothing on their colours."""

    width: int
    height: int
    order: Int32[np.ndarray, "v"]
    """Ids of the splats that are drawn, front to back; their place in it is their rank."""
    radii_px: Int32[np.ndarray, "n 2"]
    """Half width and height of the ellipse within which a splat is drawn; 0 where it isn't."""
    ellipses: Float32[np.ndarray, "v 8"]
    """By rank, as ``splat_order_kernels.pack_ellipses`` writes them."""
    rows: Int32[np.ndarray, "v 2"]
    """By rank: first and last+1 image row."""
    offsets: Int64[np.ndarray, "b"]
    ranks: Int32[np.ndarray, "p"]
    """Ranks of the splats in each band, front to back; a band's part lies between two offsets."""
    first_slots: Int64[np.ndarray, "u"]
    """By rank: where a splat's pairs with its bands begin, when all pairs are numbered splat by splat."""

    @staticmethod
    def sort(
        centres_px: Float32[np.ndarray, "n 2"],
        conics: Float32[np.ndarray, "n 3"],
        opacities: Float32[np.ndarray, "n"],
        z_depth: Float32[np.ndarray, "n"],
        width: int,
        height: int,
    ) -> "Bands":
        """Splats by the z-depth of their means; ties keep the order they came in.

        Args:
            centres_px: [px].
            conics: Inverse 2D covariances as xx, xy, yy [1/px^2].
            opacities: 0..1.
            z_depth: [frame units]; 0 for splats that aren't drawn.
            width, height: Of the image [px].
        """
        rows, radii_px = extents(centres_px, conics, opacities, z_depth, width, height)
        order = depth_order(rows, z_depth)
        offsets, ranks, first_slots = bin_bands(order, rows, BAND_ROWS, -(-height // BAND_ROWS))
        ellipses, rows_by_rank = pack_ellipses(order, rows, centres_px, conics, opacities)
        return Bands(
            width=width,
            height=height,
            order=order,
            radii_px=radii_px,
            ellipses=ellipses,
            rows=rows_by_rank,
            offsets=offsets,
            ranks=ranks,
            first_slots=first_slots,
        )

    def blend(self, features: Float32[np.ndarray, "v f"], channels: int) -> Blended:
        """Front to back; ``features`` as ``splat_order_kernels.pack_features`` writes them."""
        colors, z_depth, transmittance = blend(
            self.ellipses, self.rows, features, self.offsets, self.ranks, self.width, self.height, channels
        )
        return Blended(colors=colors, z_depth=z_depth, transmittance=transmittance)

    def blend_backward(
        self,
        features: Float32[np.ndarray, "v f"],
        blended: Blended,
        gradients: tuple[Float32[np.ndarray, "h w c"], Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]],
        conics: Float32[np.ndarray, "n 3"],
        opacities: Float32[np.ndarray, "n"],
    ) -> tuple[np.ndarray, ...]:
        """From the gradients of colours, z-depth and alpha those of centres, conics, z-depth, opacities and colours."""
        slots = blend_backward(
            self.ellipses,
            self.rows,
            features,
            self.offsets,
            self.ranks,
            self.first_slots,
            blended.colors,
            blended.z_depth,
            blended.transmittance,
            *gradients,
        )
        return gather_slots(self.order, self.first_slots, slots, conics, opacities)
