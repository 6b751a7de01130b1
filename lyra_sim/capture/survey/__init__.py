"""Given meshes and splats: read, stood in, and looked at by virtual cameras.

- ``mesh_files``: a mesh by the reader of its kind
- ``file_kinds``: which kind that is, by first bytes
- ``gltf``: glTF and GLB
- ``obj_mesh``: OBJ
- ``ply_mesh``, ``ply_file``, ``ply_kernels``: PLY
- ``polygons``, ``polygon_kernels``: faces with inward corners
- ``painting``: what these readers share
- ``mesh_companions``: files that a mesh names in its turn
- ``splat_surface``: splats read, doubted, and seen as a surface
- ``main_part``: the place itself, without sky and strays
- ``standing_room``: where a person could stand
- ``given_floor_check``: whether that is a floor
- ``dense_samples``: points all over a mesh, without gaps
- ``virtual_cameras``: where to look from
"""
