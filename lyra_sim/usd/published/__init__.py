"""A package as it lies on disk: found, told whole or changed, and read back.

- ``place``: where it is, and which of its files aren't as they were written
- ``cameras``: where its world was seen from
- ``hulls``: what physics sees in it, and what a camera sees of what was measured
- ``reading``: all of it that can be measured anew
"""
