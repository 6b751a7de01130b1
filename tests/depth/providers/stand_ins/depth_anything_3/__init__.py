"""Stands for depth-anything-3 0.1.1; see ``api``."""
