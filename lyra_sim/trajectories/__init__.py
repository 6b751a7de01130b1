"""Camera paths: presets made from a capture, files, and the clamp that keeps them out of walls."""
