"""The verdict "fit for driving" against a truth: worlds of true places with graded harm. ``benchmarks/verdict.py`` runs it.

- ``places``: true places of boxes, and a walk in them
- ``sensors``: what depth cameras make of exact depth
- ``building``: pictures to a finished world, and its figures without engines
- ``harms``: to cameras, and to finished worlds
- ``cases``: which worlds are made
- ``drives``: the same drives in a place and in a world
- ``judging``: one world's verdict and its truth
- ``statistics``, ``page``: what all of them say together
"""
