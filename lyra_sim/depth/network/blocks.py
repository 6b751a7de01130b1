"""Layers of the depth network."""

import torch
from torch import nn
from torch.nn import functional

GROUPS = 8
"""Of every group norm (Wu and He 2018): no batch statistics, so one photo gives what it gives among others. Convention."""
HEAD = 32
"""Channels of one attention head. Convention."""


class Residual(nn.Module):
    """Activation and convolution, twice, beside a shortcut (He et al. 2016).

    There is no norm in it: the branch begins at zero (De and Smith 2020), and norms stand where the size changes.
    """

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv2(functional.silu(self.conv1(functional.silu(x))))
        return torch.addcmul(x, y, self.gain.to(y.dtype))


class Attention(nn.Module):
    """Every place looks at every other: what bounds a blank wall may be far from it in the photo (Vaswani et al. 2017)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, c, h, w = x.shape
        q, k, v = (part.transpose(-1, -2) for part in self.qkv(self.norm(x)).reshape(b, 3, c // HEAD, HEAD, h * w).unbind(1))
        seen = functional.scaled_dot_product_attention(q, k, v)
        return x + self.out(seen.transpose(-1, -2).reshape(b, c, h, w))


class Features(nn.Module):
    """What photos are compared by, at a half and a quarter of their size; the target's own feed the decoder too."""

    def __init__(self, half: int, quarter: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, half, 5, stride=2, padding=2)
        self.fine = nn.Sequential(Residual(half), Residual(half))
        self.down = nn.Conv2d(half, quarter, 3, stride=2, padding=1)
        self.coarse = nn.Sequential(Residual(quarter), Residual(quarter, dilation=2), Residual(quarter))
        self.norm_fine, self.norm_coarse = nn.GroupNorm(GROUPS, half), nn.GroupNorm(GROUPS, quarter)

    def forward(self, rgb: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        fine = self.fine(self.stem((rgb - 0.45) / 0.25))
        return self.norm_fine(fine), self.norm_coarse(self.coarse(self.down(fine)))


class Surroundings(nn.Module):
    """A U-Net (Ronneberger et al. 2015) from a quarter to a 32nd of the photo's size, with attention where it is small."""

    def __init__(self, channels: int, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()
        self.shrink = nn.ModuleList()
        self.grow = nn.ModuleList()
        for level, width in enumerate(widths):
            attend = level >= 2
            self.down.append(
                nn.Sequential(nn.GroupNorm(GROUPS, width), Residual(width), Attention(width) if attend else Residual(width))
            )
            if level + 1 < len(widths):
                self.shrink.append(nn.Conv2d(width, widths[level + 1], 3, stride=2, padding=1))
                self.grow.append(nn.Conv2d(widths[level + 1], width, 1))
                self.up.append(nn.Sequential(Residual(width), Attention(width) if attend else Residual(width)))
        self.bottom = nn.Sequential(
            Residual(widths[-1]), Attention(widths[-1]), Residual(widths[-1]), nn.GroupNorm(GROUPS, widths[-1])
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.enter(x)
        kept = []
        for level, layer in enumerate(self.down):
            x = layer(x)
            if level < len(self.shrink):
                kept.append(x)
                x = self.shrink[level](x)
        x = self.bottom(x)
        for level in reversed(range(len(self.grow))):
            wide = functional.interpolate(self.grow[level](x), scale_factor=2.0, mode="bilinear", align_corners=False)
            x = self.up[level](wide + kept[level])
        return x
