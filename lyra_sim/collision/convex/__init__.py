"""Convex pieces: their shape, what lies inside them, and none too thin for an engine."""
