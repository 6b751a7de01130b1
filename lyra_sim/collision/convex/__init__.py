"""Convex pieces: their shape, what lies inside them, and none too thin for an engine.

- ``pieces``: points in, a wound hull out
- ``slender``: slivers cut or thickened
- ``engine_limits``: no more faces than engines take
- ``containment``, ``containment_kernels``: which points lie in which hulls
"""
