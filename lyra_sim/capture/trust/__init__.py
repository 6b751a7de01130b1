"""Whether cameras can be believed, and which of several models is: joints, agreement, depth, epipolar lines, GPS.

- ``pose_choice``: which of several models is taken, and how much of it
- ``kept_cameras``: kept by what they were found from
- ``pose_trust``: all that speaks about one model
- ``rigid_parts``: the parts that hang together
- ``panorama_parts``: panoramas are in one of them as a whole
- ``group_joints``: how firmly two groups of photos do
- ``view_graph``: which photos show the same things
- ``model_agreement``: where two models agree
- ``gps_check``: against fixes
- ``epipolar_check``: given cameras against what photos share
- ``photos_as_stored``: the same photo by photo, and photos that were stored turned
- ``depth_check``: given cameras against depth
- ``depth_readings``: what else the numbers of depth images may mean
- ``colour_check``: colour against depth
"""
