"""How each photo was exposed, found along with the splats, so that the world has one colour where photos differ."""

import torch
from jaxtyping import Float

RATE = 4e-3
"""Adam's step: a photo is seen a few dozen times, and gains differ by tens of per cent at the most. Tuned, unrecorded."""
PULL = 0.02
"""Weight of the pull towards neutral: what splats can explain is theirs. Tuned, unrecorded."""


class Exposures(torch.nn.Module):
    """Gain and offset of every photo and colour channel, in display-referred sRGB: ``photo = gain * world + offset``.

    Between all photos the mean log gain and the mean offset stay 0: only differences can be seen in photos, and what all of
    them share is the world's own colour.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.log_gains = torch.nn.Parameter(torch.zeros(count, 3))
        self.offsets = torch.nn.Parameter(torch.zeros(count, 3))

    def forward(self, world: Float[torch.Tensor, "h w 3"], photo: int | None) -> Float[torch.Tensor, "h w 3"]:
        """The world as this photo shows it; unchanged for None."""
        if photo is None:
            return world
        return world * self.log_gains[photo].exp() + self.offsets[photo]

    def penalty(self, photo: int | None) -> Float[torch.Tensor, ""]:
        """What being away from neutral costs one photo."""
        if photo is None:
            return self.log_gains.new_zeros(())
        return PULL * (self.log_gains[photo].square().sum() + self.offsets[photo].square().sum())

    @torch.no_grad()
    def keep_the_mean(self) -> None:
        """Take out what all photos share; after every step."""
        self.log_gains.sub_(self.log_gains.mean(dim=0))
        self.offsets.sub_(self.offsets.mean(dim=0))

    def facts(self) -> tuple[dict[str, tuple[float, ...]], ...]:
        """Of every photo, in their order: ``gain`` and ``offset`` by channel."""
        gains, offsets = self.log_gains.detach().exp().tolist(), self.offsets.detach().tolist()
        rounded = lambda row: tuple(round(value, 4) for value in row)  # noqa: E731
        return tuple({"gain": rounded(g), "offset": rounded(o)} for g, o in zip(gains, offsets, strict=True))
