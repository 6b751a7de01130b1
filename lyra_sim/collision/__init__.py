"""What physics sees: planes as slabs, clutter as convex pieces, frontiers as fences, and the figures that judge them.

- ``build``: the whole way, in order
- ``planes``: floors, walls, ramps: found, and made slabs with their openings
- ``clutter``: all else, as far as the hull budget goes
- ``overhang``: undersides over the robot's way drawn up to where they were measured
- ``camera_way``: hulls cut around the cameras' way
- ``fences``: the edge of the known floor
- ``measured``: what hulls are judged by
- ``convex``: pieces and hulls as shapes

Words, from what was measured to what physics gets:

- *matter*: voxels that were measured as solid; its *skin* are those that face free air.
- *structure*: floors, ceilings, walls, ramps; its planes become *slabs*, boxes behind the measured surface, openings left out.
- *lasting* slabs keep their hull whatever the budget; *loose* ones are small and compete with clutter for theirs.
- *component*: connected matter that no slab explains, with body grown behind its skin. *Clutter* is all of them.
- *part*: voxels with the convex shape that would cover them, while joins and cuts are still open. A *lump* is an uncut part.
- *piece*: a labelled convex point set, decided. A *sliver* is thinner than 1:60; engines refuse it, so it is cut or thickened.
- *fence*: upright plates at the edge of the known floor, labelled ``unseen``.
- *hull*: a named piece, wound and with few corners; ``Colliders`` are all hulls of a world.
- *air*: voxels measured free, weighed by how much a robot needs them. A hull that takes air *plugs* it.
- *worth*: measured surface that would lie bare without the hull, weighed likewise.
"""
