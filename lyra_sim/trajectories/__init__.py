"""Camera paths: presets made from a capture, files, and kept out of walls.

- ``path``: the way in
- ``presets``: walk, orbit, look around
- ``photo_way``: the way photos were taken along
- ``walk_pace``: where a walk looks, and how fast it goes for that
- ``path_file``: paths from files
- ``known_surface``: what to keep away from
- ``clearance``: bent aside or cut there
- ``smooth_motion``: without jerks
- ``gaze``: where a camera looks
"""
