"""Frames with depth as recorders and data sets lay them out, brought to one form.

- ``recording``: that form, and the parts a layout names
- ``reading``: from a scene's source to a recording
- ``known``: which layout a folder is, and what is refused by name
- ``pairing``: which depth and which camera belongs to an image
- ``depth_files``: depth of several file formats, at the colour image's size
- ``exr``: one of these formats, as renderers write it
- ``folders``: what all layouts look for
- ``tum``, ``scannet``, ``replica``, ``open3d``, ``polycam``, ``stray``, ``transforms``: one layout each
- ``record3d``: one that is a file
- ``bags``: ROS's, in a room of their own
- ``lzfse_blocks``: its compression
- ``unpacked``: such files as folders
- ``video_frames``: colour that is a video
"""
