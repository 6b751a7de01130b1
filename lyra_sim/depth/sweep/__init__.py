"""Plane sweep of one view: neighbours, correlation, semi-global costs, edges, refinement.

- ``neighbours``: which views, between which depths
- ``view_sweep``: the sweep, and depth between its hypotheses
- ``correlation``: how alike two windows are
- ``semi_global``: hypotheses weighed along paths
- ``edges``: whose depth a pixel beside an edge has
"""
