"""A small multi-view depth network of our own: photo and cost volume in; z-depth, normal and sigma out."""
