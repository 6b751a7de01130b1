"""ROS 1 and ROS 2 bags with colour, depth and poses, by rosbags.

- ``layout``: which files these are, and their frames
- ``bag``: messages of one bag, whichever ROS wrote it
- ``topics``: which topics hold colour, depth and what the lenses are
- ``images``: image messages as pixels
- ``lens``: camera_info as a pinhole
- ``tf_tree``: where a frame stood at a time
- ``registering``: depth of a camera of its own, seen from the colour camera
"""
