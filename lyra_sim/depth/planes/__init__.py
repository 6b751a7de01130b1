"""Blank surfaces: planes found in measured depth, and which blank pixels belong to which."""
