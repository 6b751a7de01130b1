"""A package as it lies on disk: found, told whole or changed, and read back.

- ``place``: where it is, and which of its files aren't as they were written
- ``cameras``: where its world was seen from
- ``hulls``: what physics sees in it, and the mesh that a camera sees
- ``splats``: what a renderer of splats sees
- ``reading``: all of it that can be measured anew
"""
