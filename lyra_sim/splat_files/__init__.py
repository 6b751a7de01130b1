"""Files of Gaussian splats: told by content, read with counts of what was left out, mended where that is harmless, written.

- ``reading``: any kind of file
- ``kinds``: what a file is
- ``sound``: legal limits clamped, damage dropped and counted
- ``writing``: the kind that a name asks for
- ``ply``: 3DGS, 2DGS, Mip-Splatting, nerfstudio
- ``ply_header``: the text at a PLY's head, and its tables
- ``compressed_ply``: SuperSplat's
- ``spz``: Niantic's
- ``sog``, ``sog_files``, ``sog_writing``: PlayCanvas's
- ``dot_splat``: the browsers'
- ``raw_splats``: what a file holds before anybody has looked
- ``limits``: what a stranger's file may cost
- ``quaternion_packing``, ``opacity_bytes``: numbers in few bits
- ``space_order``: neighbours side by side
"""
