"""Plane sweep of one view: neighbours, correlation, semi-global costs, edges, refinement."""
