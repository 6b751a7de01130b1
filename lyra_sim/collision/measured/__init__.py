"""What was measured, as hulls are judged by it: surface samples, matter, free air, and the figures made of them.

- ``surface_samples``: even, with normal and area
- ``measured_voxels``: which voxels are matter
- ``free_air``, ``air_kernels``: air that hulls must not take, weighed
- ``gaps``: measured surface without a hull
- ``hull_figures``: what the gates judge
"""
