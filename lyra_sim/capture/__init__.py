"""From a user's files to undistorted, posed, checked views in a provisional metric frame.

- ``photos``: photos, a video or another tool's posed photos
- ``rgbd``: posed RGB-D folders
- ``given_geometry``: meshes and splats that were made elsewhere
- ``one_photo``: one photo alone
- ``views_of_photos``: posed photos onto one canvas
- ``rgbd_layouts``: frames with depth as recorders and data sets lay them out
- ``intake``: hostile files opened
- ``masks``: what of their pictures isn't to be looked at
- ``kept_apart``: which views no geometry is made from
- ``cameras``: given or found
- ``trust``: in cameras
- ``frame``: before align: scale, vertical, place on Earth
- ``markers``: of a stated size, in photos
- ``survey``: of given geometry by virtual cameras
"""
