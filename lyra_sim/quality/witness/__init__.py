"""Evidence that no step before ``assess`` has seen, and whether the world stands up to it.

Routes are planned on, and hulls and mesh are cut from, one solid: what that solid lost is missed by all of them alike, and they
agree about it. A witness was kept apart from all of it.

- ``rays``: what a witness says: straight lines that are free, and matter at their ends
- ``calling``: which of them a world has
- ``held_out_views``: measured depth that was kept out of all geometry
- ``kept_back_points``: feature points of photos that were kept out of it
- ``found_points``: more of them, looked for only now
- ``given_surface``: a given mesh, read again by another library
- ``gltf_count``: … or at least its triangles counted
- ``footing``: whether its cameras stood on a floor, asked of that second reading
- ``published_views``: what a finished package is held against: its capture, or the truth before its cameras
- ``patches``: the largest piece of what is wrong
- ``judgement``, ``piercing_kernels``: a world's hulls against it
"""
