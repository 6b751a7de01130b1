"""From a reconstruction in its own frame to the metric world.

- ``metric_world``: gravity, main floor, heading, scale and origin, in this order, each with its evidence
- ``vertical``: what tells which way is up, weighed
- ``scale``: what tells how long a metre is, measured again now that floor and ceiling are known
- ``usual_rooms``: what rooms and people are usually like: weak evidence of the scale
"""
