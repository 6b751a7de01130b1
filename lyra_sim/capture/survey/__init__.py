"""Given meshes and splats: read, stood in, and looked at by virtual cameras.

- ``mesh_files``: GLB, OBJ and PLY
- ``mesh_companions``: files that a mesh names in its turn
- ``splat_surface``: splats read, doubted, and seen as a surface
- ``spz``: Niantic's packed splats
- ``standing_room``: where a person could stand
- ``dense_samples``: points all over a mesh, without gaps
- ``virtual_cameras``: where to look from
"""
