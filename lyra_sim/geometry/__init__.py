"""Rigid and similarity transforms, pinhole cameras, plane fits: numpy only, no files."""
