"""Depth of frames in memory, by whoever can tell it: one small protocol, one file an adapter, loaded when used.

- ``provider``: the protocol
- ``chunk``: what a chunk asks of it
- ``per_frame``: depth brought to one scale
- ``on_device``: frames and depth kept on the device
- ``plane_sweep``: without a network
- ``moge``: MoGe
- ``depth_anything_3``: Depth Anything 3
"""
