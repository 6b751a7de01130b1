"""The video diffusion network of Lyra 2.0 (2026): for now what it is conditioned on."""
