"""Where a robot can go: the occupancy map made from hulls, reachable space, spawn poses, drop points and routes.

- ``build``: the whole way, in order
- ``occupancy``: the map of the main floor
- ``convex_raster``: hulls drawn onto it
- ``mesh_map``, ``triangle_raster_kernels``: a mesh drawn onto it
- ``reachable``: what a disc can get to
- ``doorways``: narrow places between wider ones
- ``spawns``: start poses and drop points
- ``far_apart``: cells far from one another
- ``routes``: what the gate drives
- ``planner``: paths along them
- ``again``: what follows from a map and routes that somebody else keeps
"""
