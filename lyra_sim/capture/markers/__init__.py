"""Square markers of a stated size in photos: found, placed in space, and held against their size.

- ``detection``: markers in one photo, by edges
- ``square_fit``: one marker in space
- ``marker_scale``: what all of them tell of the scale
- ``sheet``: pages to print
"""
