"""Rigid and similarity transforms, pinhole cameras, plane fits: arrays in, arrays out, no files."""
