"""A small multi-view depth network of our own: photo and cost volume in; z-depth, normal and sigma out. No step uses it yet.

- ``network``: the whole of it, in order
- ``blocks``: its layers
- ``cost_volume``: photos compared by their cameras
- ``examples``: what it is trained on
- ``losses``: what it is trained to do
- ``training``: steps and checkpoints
- ``moments``: the optimiser's state in 8 bits
- ``validation``: rooms it never saw
- ``weights``: in 8 bits; wheels leave them out
- ``shards``: files of a bounded size
- ``inference``: views of a capture
- ``walks``: captures with a known depth
- ``figures``: what is measured of depth
- ``evaluation``: beside the plane sweep
"""
