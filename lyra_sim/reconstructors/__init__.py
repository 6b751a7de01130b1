"""Reconstructor plug-ins: a capture becomes splats and depth in a frame of its own.

- ``fuse``: one splat a surface cell, the default
- ``surfels``, ``surfel_kernels``: points merged into surface cells
- ``given_splats``: kept as they were given
- ``gsplat_fit``: splats trained on photos
- ``splat_seeds``: where training starts
- ``backdrop``: what no depth tells of
- ``guessed_depth``: good enough to start from
- ``splat_views``: what they are trained on
- ``splat_training``: the loop
- ``splat_losses``: what it minimises
- ``splat_exposure``: how bright each photo is
"""
