"""USD: layers, splats, meshes, colliders, the package they form, and the rules it must keep.

- ``package``: the folder
- ``world``: its entry layers
- ``manifest``: its manifest.json
- ``usdz``: all of it as one file
- ``stage``: what every layer shares
- ``splats``: Gaussian splats
- ``partition``: those cut to layers of limited size
- ``mesh_parts``: the mesh cut by label, arrays only
- ``degeneracies``: cleaned for renderers
- ``meshes``: as UsdGeom.Mesh
- ``colliders``: hulls
- ``lamps``: where they hang
- ``any_mesh``: a mesh file of any kind
- ``given_mesh``: somebody else's stage as a mesh
- ``plain_walk``: the same by nothing but pxr, to compare with
- ``given_prims``: which prims of it are surface
- ``given_pieces``: one prim in pieces of one look
- ``given_shapes``: spheres, cylinders and the like
- ``given_looks``: base colours
- ``published``: a package read back from its folder
- ``rules``: what anybody's stage must keep
"""
