"""What physics sees: planes as slabs, clutter as convex pieces, frontiers as fences, and the figures that judge them."""
