"""Files of Gaussian splats: told by content, read with counts of what was left out, mended where the damage is harmless, written."""
