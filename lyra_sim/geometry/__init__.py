"""Rigid and similarity transforms, pinhole cameras, plane fits: arrays in, arrays out, no files.

- ``rigid``: transforms
- ``similarity_fit``: the one between two point sets
- ``cameras``: pinhole cameras and rays
- ``spherical_harmonics``: a basis, and how it turns
- ``consensus``: which measurements agree
- ``depth_noise``: normals of depth images, measured or estimated
- ``normals_kernels``, ``fitted_normals_kernels``: their loops
- ``up_evidence``: which way is up, weighed
- ``gravity``: from how cameras are held
- ``vanishing``: from straight edges
- ``floor``: from surface samples
- ``sparse_floor``: from feature points
- ``ceiling``: over that floor
- ``heading``: of the walls
- ``convex_faces``: triangles of one plane
"""
