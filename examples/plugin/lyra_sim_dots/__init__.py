"""Example of a plug-in: a reconstructor that puts a round splat at every n-th pixel of measured depth."""
