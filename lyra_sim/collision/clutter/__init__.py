"""All else as convex parts: components of matter, cut and joined as the hull budget allows."""
