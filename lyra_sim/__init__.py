"""lyra-sim: from photos and camera paths to simulation worlds that carry their own proof."""

__version__ = "0.1.0"
