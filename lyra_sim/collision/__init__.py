"""What physics sees: structural planes as slabs, clutter as convex pieces, frontiers as blockers, and the figures that judge them."""
