"""One photo: a room as a box, called a guess.

- ``guess``: room or street, and what is said about it
- ``box``, ``box_kernels``: the box that fits edges and colours best
"""
