"""What lyra-sim knows of this package before anything of it is used."""

from lyra_sim.plugins import PluginSpec

GENERATOR = PluginSpec(
    kind="generator",
    name="lyra2",
    target="lyra_sim_lyra2.generator:Lyra2",
    version="1",
    needs={"torch": "torch>=2.13", "diffusers": "diffusers>=0.42", "transformers": "transformers>=5.24"},
    weights_licence="NVIDIA internal research",
    sources="lyra_sim_lyra2.depends_on:sources",
    uses="lyra_sim_lyra2.depends_on:uses",
    licences="lyra_sim_lyra2.weights.folder:licences_of",
    weights_record="lyra_sim_lyra2.weights.folder:licence_record",
    readiness="lyra_sim_lyra2.profiles:readiness",
)
TRANSFORMERS_DEPTH = PluginSpec(
    kind="frame_depth",
    name="transformers",
    target="lyra_sim_lyra2.transformers_depth:TransformersDepth",
    version="1",
    needs={"torch": "torch>=2.13", "transformers": "transformers>=5.24"},
    weights_licence="the folder's (Depth Anything V2: Small Apache-2.0, larger CC BY-NC 4.0)",
)
