"""Under which terms weights come, and that whoever uses them has said yes to those that ask for it."""

from collections.abc import Collection

from lyra_sim.errors import SpecError
from lyra_sim.plugins import Licence

LICENCES = {
    "lyra2": Licence(
        key="lyra2",
        name="NVIDIA internal research (Lyra 2.0 weights; internal scientific research only)",
        terms="https://www.nvidia.com/en-us/agreements/enterprise-software/"
        "nvidia-internal-scientific-research-and-development-model-license/",
        must_be_accepted=True,
    ),
    "wan2.1": Licence(
        key="wan2.1",
        name="Apache-2.0 (Wan 2.1 weights)",
        terms="https://www.apache.org/licenses/LICENSE-2.0",
        must_be_accepted=False,
    ),
    "random": Licence(key="random", name="none (random weights)", terms=None, must_be_accepted=False),
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
    licence_of(name).require_accepted(accepted)


def licence_of(name: str) -> Licence:
    """The licence under a name.

    Raises:
        SpecError: There is none.
    """
    if name not in LICENCES:
        raise SpecError(f"licence {name}", "it isn't known", expected=", ".join(LICENCES))
    return LICENCES[name]
