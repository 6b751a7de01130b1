"""The report of one world: one HTML file, its sections, plans and pictures.

- ``world_report``: which sections, in which order
- ``reading``: what was taken of the input, and what was left out
- ``photos``: how cameras and depth were found
- ``generated``: what was drawn
- ``agreement``: what is seen and what is hit
- ``physics``: what fell and drove where
- ``page``: the HTML
- ``style``: its style sheet
- ``plan_svg``: plans
- ``pictures``: raster pictures
"""
