"""The video diffusion network of Lyra 2.0 (2026) as a plug-in of lyra-sim.

In reading order: ``declaration`` is all that lyra-sim sees before it draws; ``generator`` draws chunk after chunk;
``conditions`` are what the network is told of the spatial memory, ``network`` the transformer and its samplers, ``codec`` the
video's latents, ``encoders`` words and pictures; ``models``, ``placement`` and ``profiles`` put them on a machine; ``weights``
reads every form they come in; ``verify`` compares with recorded numbers.
"""

__version__ = "0.1.0"
