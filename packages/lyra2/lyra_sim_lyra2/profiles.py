"""How much memory the networks may take: profiles for GPUs of 80, 48 and 24 GB, and for a CPU."""

from dataclasses import dataclass

from lyra_sim.errors import EnvironmentNotReady
from lyra_sim.plugins import Readiness


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How the networks are placed. The text encoder is released in all of them once the captions are read."""

    name: str
    least_gb: float
    """GPU memory from which on the profile is chosen [GB, 1e9 bytes]; 0 needs no GPU."""
    offloaded: bool
    """The network's blocks stay in the computer's memory, pinned, and the next ones come over while one works."""
    together: bool
    """Both branches of the guided sampler go through the network at once."""
    latents_at_once: int
    """That the video codec takes in one pass."""
    tight: bool = False
    """Memory is handed back between sampling and decoding: it would not hold the leftovers of both."""
    seconds: tuple[float, float] | None = None
    """Of a segment, guided and distilled, on an H100 (BENCHMARKS.md); None: not measured. Guided ones of the smaller profiles
    are worked out: 70 of their measured steps and the rest of a segment."""


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(name="80gb", least_gb=75.0, offloaded=False, together=True, latents_at_once=4, seconds=(262.0, 17.3)),
        Profile(
            name="48gb",
            least_gb=48.5,
            offloaded=False,
            together=False,
            latents_at_once=1,
            tight=True,
            seconds=(259.0, 17.4),
        ),
        Profile(
            name="24gb",
            least_gb=22.0,
            offloaded=True,
            together=False,
            latents_at_once=1,
            tight=True,
            seconds=(291.0, 19.1),
        ),
        Profile(name="cpu", least_gb=0.0, offloaded=False, together=True, latents_at_once=4),
    )
}


def gpu_gb() -> float:
    """Memory of the first GPU [GB]; 0 without one."""
    import torch

    return torch.cuda.get_device_properties(0).total_memory / 1e9 if torch.cuda.is_available() else 0.0


def choose(asked: str, available_gb: float) -> Profile:
    """The profile asked for, or the largest that fits.

    Raises:
        EnvironmentNotReady: The GPU is too small for it, or there is none.
    """
    fitting = [profile for profile in PROFILES.values() if profile.least_gb <= available_gb]
    if asked == "auto":
        return fitting[0]
    profile = PROFILES[asked]
    if profile not in fitting:
        raise EnvironmentNotReady(
            f"generate.lyra2.memory: {asked}",
            f"a GPU of {available_gb:.0f} GB" if available_gb else "no GPU that torch can use",
            expected=f"at least {profile.least_gb:g} GB",
            next_step=f"Set it to {fitting[0].name}, or to auto.",
        )
    return profile


def readiness() -> Readiness:
    """How the generator would run here: its memory profile, and what a segment of 80 frames takes."""
    found = gpu_gb()
    profile = choose("auto", found)
    if profile.seconds is None:
        gpu = f"a GPU of {found:.0f} GB is too small" if found else "no GPU that torch can use"
        return Readiness(ready=False, detail=f"{gpu}; profile {profile.name}, for tiny networks")
    guided, distilled = profile.seconds
    times = f"on an H100 a segment takes {distilled:g} s distilled, {guided:g} s guided"
    return Readiness(ready=True, detail=f"GPU of {found:.0f} GB, profile {profile.name}; {times}")
