"""The frame before align: what the input itself says of its scale, its vertical and where on Earth it lies.

- ``stated``: what the scene file says of it
- ``provisional_frame``: scale and up of photos and RGB-D
- ``scale_evidence``: what photos tell: GPS, camera height, marked lengths
- ``geodesy``: GPS fixes as metres
- ``stated_frame``: up and unit of given geometry
- ``given_frame_check``: whether that up is the one it stands on
"""
