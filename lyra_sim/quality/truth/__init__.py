"""Against what is known to be true: surfaces, maps, cameras, passages.

- ``surface``: accuracy, completeness, F-score
- ``cameras``: poses and scale
- ``maps``: where a robot can go
- ``doorways``: passages still open
"""
