"""All else as convex parts: components of matter, cut and joined as the hull budget allows.

- ``components``: matter that no slab explains
- ``lasting_slabs``: which slabs compete as well
- ``parts``: voxels with the hull they would get
- ``clutter_hulls``: which parts are made, in order
- ``guillotine``, ``guillotine_kernels``: lattices taken apart by straight cuts
- ``convex_decomposition``, ``coacd_worker``: CoACD in processes of its own
- ``hull_budget``: joins and cuts until the budget holds
"""
