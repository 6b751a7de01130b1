"""What flows between steps: frozen dataclasses, and the plain files each one is saved as.

- ``posed``: photos, and photos with cameras
- ``sparse``: the points they share
- ``capture``: what capture hands on
- ``given``: what a reader makes of somebody else's file: a painted mesh, and what was left out of it
- ``views``: its images and depth, read lazily
- ``scale``: how long a unit is, by evidence
- ``depth``: estimated depth
- ``video``: what generate hands on
- ``splats``: Gaussian splats and their PLY
- ``world``: what reconstruct hands on, and align
- ``solid``: what mesh hands on: a grid, and a surface around it
- ``grid``: voxels free, measured, unseen
- ``mesh``: a closed surface that knows what was seen, and its atlas
- ``colliders``: hulls with labels, and what collide hands on with them
- ``navigation``: poses, probes, routes
- ``occupancy``: the map, as ROS files
- ``stage``: what author hands on
- ``report``: what assess hands on: figures with verdicts
- ``files``: JSON, npz and PNG
"""
