"""Reconstructor plug-ins: a capture becomes splats and depth in a frame of its own."""
