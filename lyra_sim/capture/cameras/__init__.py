"""Cameras of photos, given or found: files of other tools, COLMAP models, features, matches and structure from motion.

- ``camera_files``: files of other tools as one table, and given to their photos
- ``camera_readers``: one reader a format
- ``frame_images``: images that a transforms.json names, and their sizes
- ``trajectory_readers``: those of recorders and data sets, told by content
- ``intrinsics_files``: intrinsics that lie beside cameras
- ``frame_times``: cameras between the moments they were taken at
- ``undistorted_rays``: pixels of photos as taken to rays
- ``lenses``: made to fit the photos they come with
- ``colmap_folder``: whether a model on disk is whole
- ``colmap_frames``: whether a model tells each camera once
- ``colmap_model``: models to posed photos
- ``colmap_calls``: COLMAP kept quiet, with errors of ours
- ``photo_pairs``: which photos are compared
- ``photo_matches``: features and matches, found once
- ``structure_from_motion``: cameras found in several ways
- ``panorama_rig``: the same of panoramas, cut into views
"""
