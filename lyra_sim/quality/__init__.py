"""Measuring finished worlds: every figure has a limit and a reason, and what can't be measured says so.

- ``assessment``: everything, in the order of the report
- ``published``: a package measured anew, from its folder alone
- ``figures``: units, limits, verdicts
- ``frame``: cameras, vertical, scale
- ``depth``: against the mesh
- ``image``: splats against photos
- ``generated``: the video
- ``guessed``: what a world of one photo doesn't get
- ``geometry``: the surface
- ``collision``: the hulls
- ``navigation``: the floor
- ``viewpoints``: where a robot's camera may be
- ``agreement``: what it sees there and what it would hit
- ``physics``: the gate
- ``receipt``: Isaac Sim's
- ``witness``: against evidence that no other step has seen
- ``truth``: against what is known to be true
- ``report``: the page
"""
