"""Materials: what surfaces look like, from blank paint to mirrors."""

import torch

from lyra_sim.synthetic.chance import Chance

MATERIAL = 13
"""Columns: texture, tiles per metre, origin of the texture in the thing's frame (3) [m], base colour (3), share of the texture,
gloss, emission, mirror, glass. Convention."""
ORIGIN = slice(2, 5)
BLANK_SHARE = 0.6
"""Walls that are painted plainly: where no comparison of photos tells a depth. Convention."""


class Palette:
    """Draws materials of a kind; shapes are those asked for, with the columns last."""

    def __init__(self, chance: Chance, textures: int) -> None:
        self.chance, self.textures = chance, textures

    def _row(self, *shape: int, share: torch.Tensor, tile: tuple[float, float], gloss: float = 0.0) -> torch.Tensor:
        """``tile``: shortest and longest edge of a texture on the surface [m], evenly in the logarithm."""
        chance = self.chance
        row = torch.zeros((*shape, MATERIAL), device=chance.device)
        row[..., 0] = chance.pick(*shape, options=self.textures).float()
        low, high = (float(torch.tensor(edge).log()) for edge in tile)
        row[..., 1] = (-(low + (high - low) * chance.between(*shape))).exp()
        row[..., ORIGIN] = chance.between(*shape, 3, low=0.0, high=10.0)
        level = chance.between(*shape, 1, low=0.12, high=0.9)
        row[..., 5:8] = (level + 0.12 * chance.normal(*shape, 3) * chance.share(*shape, 1, p=0.6)).clamp(0.03, 0.95)
        row[..., 8] = share
        row[..., 9] = gloss * chance.between(*shape) ** 2 * chance.share(*shape, p=0.5)
        return row

    def wall(self, *shape: int) -> torch.Tensor:
        """Mostly blank, often light; some papered, bricked or tiled. Textures keep to the world, over all parts of a wall."""
        chance = self.chance
        blank = chance.share(*shape, p=BLANK_SHARE)
        share = torch.where(blank, 0.06 * chance.between(*shape) ** 2, chance.between(*shape, low=0.15, high=1.0))
        row = self._row(*shape, share=share, tile=(0.6, 3.0), gloss=0.15)
        light = chance.between(*shape, 1, low=0.55, high=0.92) + 0.04 * chance.normal(*shape, 3)
        row[..., 5:8] = torch.where((blank & chance.share(*shape, p=0.75))[..., None], light.clamp(0, 0.95), row[..., 5:8])
        row[..., ORIGIN] = 0
        return row

    def floor(self, *shape: int) -> torch.Tensor:
        """Wood, tiles, carpet; a quarter next to blank; some shine."""
        chance = self.chance
        blank = chance.share(*shape, p=0.25)
        share = torch.where(blank, 0.08 * chance.between(*shape), chance.between(*shape, low=0.2, high=1.0))
        return self._row(*shape, share=share, tile=(0.5, 2.5), gloss=0.5)

    def fabric(self, *shape: int) -> torch.Tensor:
        """Rugs and curtains: nearly always patterned."""
        return self._row(*shape, share=self.chance.between(*shape, low=0.1, high=1.0), tile=(0.4, 2.0))

    def thing(self, *shape: int) -> torch.Tensor:
        """Furniture and clutter: a third of it blank, some glossy."""
        chance = self.chance
        blank = chance.share(*shape, p=0.35)
        share = torch.where(blank, 0.08 * chance.between(*shape), chance.between(*shape, low=0.1, high=1.0))
        return self._row(*shape, share=share, tile=(0.3, 2.0), gloss=0.6)

    def picture(self, *shape: int) -> torch.Tensor:
        """On walls: pictures, some mirrors, some dark screens."""
        chance = self.chance
        row = self._row(*shape, share=chance.between(*shape, low=0.3, high=1.0), tile=(0.4, 1.5), gloss=0.3)
        kind = chance.between(*shape)
        mirror, screen = kind < 0.06, (kind >= 0.06) & (kind < 0.18)
        row[..., 11] = torch.where(mirror, 0.9, torch.where(screen, 0.12, 0.0))
        dark = screen | mirror
        row[..., 5:8] = torch.where(dark[..., None], 0.04, row[..., 5:8])
        row[..., 8] = torch.where(dark, 0.0, row[..., 8])
        return row

    def pane(self, *shape: int) -> torch.Tensor:
        """Windows: half clear glass, half a bright outdoors; nothing of either is left to compare where it is overexposed."""
        chance = self.chance
        row = self._row(*shape, share=chance.between(*shape, low=0.1, high=0.7), tile=(1.0, 4.0), gloss=0.3)
        clear = chance.share(*shape, p=0.5)
        row[..., 12] = torch.where(clear, 0.85, 0.0)
        row[..., 10] = torch.where(clear, 0.0, chance.between(*shape, low=0.4, high=1.6))
        return row

    def light(self, *shape: int) -> torch.Tensor:
        """Lamps one looks into."""
        row = self._row(*shape, share=torch.zeros(shape, device=self.chance.device), tile=(1.0, 2.0))
        row[..., 5:8] = 0.9
        row[..., 10] = self.chance.between(*shape, low=0.5, high=2.5)
        return row
