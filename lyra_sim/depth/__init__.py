"""Depth of photos: from several by plane sweeping, from one by a guess about the room that is called a guess.

- ``plane_sweep``: several photos, the whole way in order
- ``exposure``: photos made equally bright
- ``sky``: left out before
- ``sweep``: one view alone
- ``consistency``: what several views agree on
- ``confidence``: how far that is trusted
- ``moving``, ``moving_kernels``: left out after
- ``planes``: blank walls
- ``resample``: to the size of the views
- ``layout``: one photo
- ``providers``: frames in memory, while a video is drawn
"""
