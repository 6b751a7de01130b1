"""Procedural rooms and photos of them, ray-cast in torch: training and test data that is generated and never stored.

- ``rooms``: a batch of them, furnished and lit
- ``walls``: with openings, and what hangs on them
- ``furniture``: pieces of every kind
- ``shapes``: rows that all of it is made of
- ``paint``: materials
- ``textures``: what they are patterned with
- ``chance``: where every random number comes from
- ``viewpoints``: cameras in free air
- ``cast``: what a ray meets
- ``shade``: its colour
- ``photos``: all rays of a picture, and what a camera does to light
"""
