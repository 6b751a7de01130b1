"""Under which terms weights come, and that whoever uses them has said yes to those that ask for it."""

from collections.abc import Collection
from typing import Any

from lyra_sim.errors import SpecError
from lyra_sim.plugins import Licence
from lyra_sim.scene.lyra2 import Lyra2Config

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


def licences_of(options: Lyra2Config) -> tuple[Licence, ...]:
    """Licences that a scene's weights come under, the folder's first.

    A LoRA that the folder's record doesn't name may be anybody's: it counts as the strictest.
    """
    from lyra_sim_lyra2.weights.folder import WeightsFolder

    folder = WeightsFolder.open(options.weights)
    named = {folder.root / name for name in folder.record.get("files", {})}
    strange = any(file not in named for file, _ in options.lora_files())
    return tuple(licence_of(name) for name in dict.fromkeys([folder.licence, *(["lyra2"] if strange else [])]))


def licence_record(options: Lyra2Config) -> dict[str, Any]:
    """What every output made with a scene's weights says of them: licences and texts, which weights and LoRAs, whose depth."""
    from lyra_sim.plugins import find_plugin
    from lyra_sim.store.digests import file_digest
    from lyra_sim_lyra2.weights.folder import WeightsFolder

    licences = licences_of(options)
    depth = find_plugin("frame_depth", options.depth)
    loras = [f"{file.stem} x {strength:g} ({file_digest(file)})" for file, strength in options.lora_files()]
    return {
        **WeightsFolder.open(options.weights).licence_record(),
        "weights_licence": "; ".join(licence.name for licence in licences),
        "weights_licence_terms": "; ".join(licence.terms for licence in licences if licence.terms) or None,
        "loras": ", ".join(loras) or None,
        "depth": options.depth,
        "depth_weights_licence": depth.weights_licence,
    }
