"""What people bring, opened without trust: photo folders, single photos with their EXIF, videos, lenses taken out.

- ``photo_folder``: listed, capped and copied upright
- ``photo_file``: one photo proved whole
- ``heic``: a phone's photo as PNG
- ``heic_child``: the process that decodes it
- ``images``: the formats that are opened, and caps before decoding
- ``colour_profiles``: what a photo says its colours mean, brought to sRGB
- ``colour_notes``: what is told of that
- ``panoramas``: told from photos
- ``fisheyes``: raw files of 360° cameras, which have to be stitched first
- ``panorama_cuts``: and cut into them
- ``exif``: which side is up, focal length, GPS
- ``photo_names``: unique and safe as file names
- ``video``: the way in where PyAV may be missing
- ``video_containers``: what kind of video a file is
- ``video_file``: a container opened so that it reaches nothing but itself
- ``video_colours``: what its numbers mean, brought to sRGB
- ``dolby_vision``: which of its profiles a file says it is
- ``sharp_frames``: the frames that become photos
- ``undistort``: Brown-Conrady lenses taken out
"""
