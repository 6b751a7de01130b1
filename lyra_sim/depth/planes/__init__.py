"""Blank surfaces: planes found in measured depth, and which blank pixels belong to which.

- ``planar_priors``: the way in
- ``plane_finding``, ``plane_finding_kernels``: planes of the scene
- ``plane_labels``: which plane a blank segment belongs to
- ``plane_evidence``: what all views say about that
- ``plane_kernels``: their loops over planes
- ``segment_kernels``: their loops over segments
"""
