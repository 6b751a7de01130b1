"""glTF 2.0 read by its specification: what the file holds is counted, and what isn't understood is refused or told.

- ``read``: a scene as one mesh, with an account
- ``file``: its JSON and buffers
- ``extensions``: which are understood
- ``nodes``: where meshes stand
- ``primitives``: one of them as triangles
- ``accessors``: arrays
- ``draco``: as Draco packs them
- ``meshopt``, ``meshopt_kernels``: as meshopt does
- ``skins``: rest poses
- ``looks``: base colours
"""
