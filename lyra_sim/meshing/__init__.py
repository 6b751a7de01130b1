"""From posed depth to a closed surface: carve free space, decide what is solid, take the surface between.

- ``solidify``: the whole way, in order
- ``carve``, ``tsdf_kernels``: depth to voxels
- ``drawn_frames``: what generated frames may add
- ``surface``, ``field_kernels``: voxels to a closed surface
- ``room_side``: which faces a robot could look at
- ``colour``: vertex colours, and faces that were seen
- ``charts``, ``chart_kernels``: the surface laid flat
- ``texture``, ``texture_kernels``: photos baked into it
"""
