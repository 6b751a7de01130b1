"""Which tensors a network needs and which a file has: told by name, never by a stack trace."""

from collections.abc import Mapping
from dataclasses import dataclass

from lyra_sim.errors import InputError

SHOWN = 4
"""Names of each kind that a message holds; the counts are of all."""

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class KeyReport:
    """The difference between what was found and what is needed; names are the network's own (diffusers')."""

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    wrong_shape: tuple[tuple[str, Shape, Shape], ...] = ()
    """Name, shape found, shape needed."""

    @classmethod
    def of(cls, found: Mapping[str, Shape], needed: Mapping[str, Shape]) -> "KeyReport":
        """Compare names and shapes."""
        return cls(
            missing=tuple(name for name in needed if name not in found),
            unexpected=tuple(sorted(name for name in found if name not in needed)),
            wrong_shape=tuple(
                (name, found[name], shape) for name, shape in needed.items() if name in found and found[name] != shape
            ),
        )

    @property
    def agrees(self) -> bool:
        return not (self.missing or self.unexpected or self.wrong_shape)

    def lines(self) -> list[str]:
        """One for each kind of difference: how many, and the first names."""
        shapes = [f"{name} {_sides(found)} instead of {_sides(needed)}" for name, found, needed in self.wrong_shape]
        kinds = (("missing", self.missing), ("unexpected", self.unexpected), ("wrong shape", shapes))
        return [f"{len(names)} {kind}: {first_names(names)}" for kind, names in kinds if names]

    def check(self, subject: str, network: str) -> None:
        """Nothing when all fits.

        Raises:
            InputError: Which tensors don't.
        """
        if not self.agrees:
            raise InputError(
                subject,
                f"its tensors are not those of {network}: {'; '.join(self.lines())}",
                likely="It holds another model or another version of it, or a download was cut short.",
                next_step="Compare the names above with what was published, or download it again.",
            )


def first_names(names: tuple[str, ...] | list[str]) -> str:
    """The first few, and that there are more."""
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")


def _sides(shape: Shape) -> str:
    return "×".join(str(side) for side in shape) or "scalar"
