"""Under which terms weights come, and that whoever uses them has said yes to those that ask for it."""

from collections.abc import Collection
from dataclasses import dataclass

from lyra_sim.errors import SpecError


@dataclass(frozen=True, kw_only=True)
class WeightsLicence:
    """Terms of a set of weights."""

    name: str
    """As it is written to every output."""
    terms: str | None
    """Where to read them; None where there are none."""
    must_be_accepted: bool


LICENCES = {
    "lyra2": WeightsLicence(
        name="NVIDIA internal research (Lyra 2.0 weights; internal scientific research only)",
        terms="https://www.nvidia.com/en-us/agreements/enterprise-software/"
        "nvidia-internal-scientific-research-and-development-model-license/",
        must_be_accepted=True,
    ),
    "wan2.1": WeightsLicence(
        name="Apache-2.0 (Wan 2.1 weights)", terms="https://www.apache.org/licenses/LICENSE-2.0", must_be_accepted=False
    ),
    "random": WeightsLicence(name="none (random weights)", terms=None, must_be_accepted=False),
}


def require_accepted(name: str, accepted: Collection[str]) -> None:
    """Stop unless the user has accepted the licence, where it asks for that.

    Args:
        name: A key of :data:`LICENCES`.
        accepted: Names given by ``--accept-license``.

    Raises:
        SpecError: It wasn't accepted, or there is no such licence.
    """
    unknown = sorted(set(accepted) - set(LICENCES))
    if unknown:
        raise SpecError(f"--accept-license {unknown[0]}", "no such licence", expected=", ".join(LICENCES))
    licence = licence_of(name)
    if licence.must_be_accepted and name not in accepted:
        raise SpecError(
            "licence of the weights",
            f"it has not been accepted: {licence.name}",
            expected=f"--accept-license {name}",
            likely=f"Its text: {licence.terms}",
            next_step=f"Read it. If you may use the weights under it, run this again with --accept-license {name}.",
        )


def licence_of(name: str) -> WeightsLicence:
    """The licence under a name.

    Raises:
        SpecError: There is none.
    """
    if name not in LICENCES:
        raise SpecError(f"licence {name}", "it isn't known", expected=", ".join(LICENCES))
    return LICENCES[name]
