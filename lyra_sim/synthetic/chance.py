"""Random numbers from one generator, shaped and ranged as rooms need them."""

import torch


class Chance:
    """A seeded source of random tensors on one device: the same seed on the same kind of device gives the same rooms."""

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.generator = torch.Generator(device=self.device)
        self.generator.manual_seed(seed)

    def between(self, *shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        """Even between two bounds."""
        return low + (high - low) * torch.rand(shape, generator=self.generator, device=self.device)

    def normal(self, *shape: int) -> torch.Tensor:
        """Standard normal."""
        return torch.randn(shape, generator=self.generator, device=self.device)

    def share(self, *shape: int, p: float) -> torch.Tensor:
        """True with probability ``p``."""
        return torch.rand(shape, generator=self.generator, device=self.device) < p

    def pick(self, *shape: int, options: int) -> torch.Tensor:
        """One of ``options``, all as likely."""
        return torch.randint(options, shape, generator=self.generator, device=self.device)
