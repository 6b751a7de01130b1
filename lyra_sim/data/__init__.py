"""What flows between steps: frozen dataclasses, and the plain files each one is saved as.

- ``posed``: photos, and photos with cameras
- ``sparse``: the points they share
- ``capture``: what capture hands on
- ``views``: its images and depth, read lazily
- ``scale``: how long a unit is, by evidence
- ``depth``: estimated depth
- ``video``: what generate hands on
- ``splats``: Gaussian splats and their PLY
- ``world``: what reconstruct hands on, and align
- ``solid``: what mesh hands on: a grid, and a surface around it
- ``grid``: voxels free, measured, unseen
- ``mesh``: a closed surface that knows what was seen, and its atlas
- ``painted_mesh``: somebody else's
- ``colliders``: hulls with labels, and what collide hands on with them
- ``navigation``: poses, probes, routes
- ``occupancy``: the map, as ROS files
- ``stage``: what author hands on
- ``report``: what assess hands on: figures with verdicts
- ``reading``: what a reader left out of a file, and why
- ``files``: JSON, npz and PNG
"""
