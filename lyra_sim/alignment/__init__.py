"""From a reconstruction in its own frame to the metric world."""
