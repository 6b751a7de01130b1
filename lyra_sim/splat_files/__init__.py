"""Files of Gaussian splats: told by content, read with counts of what was left out, mended where that is harmless, written."""
