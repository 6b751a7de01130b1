"""Floors, ceilings, walls, ramps and treads as planes, and those as slabs with their openings left open.

- ``plane``: what a plane is
- ``plane_finding``: planes in the measured surface
- ``ramps``: ways between levels
- ``openings``: doors and windows seen through walls
- ``slabs``: boxes behind the surface
- ``rectangles``, ``rectangles_kernels``: a region covered by few rectangles
"""
