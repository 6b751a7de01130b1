"""The world along a camera path: spatial memory, the retrieve-generate-update loop, and the backends that draw frames.

- ``generator``: the slot a backend fills
- ``loop``: retrieve, generate, update, chunk by chunk
- ``reproject``: the backend without a network
- ``known_frame``: what memory holds
- ``memory``: all of them
- ``retrieval``, ``retrieval_kernels``: which are shown to the generator
- ``lazy_search``: the same without looking at all
- ``visibility_index``: where samples are, coarsely
- ``cell_index``, ``cell_kernels``: the same as a sparse grid
- ``frames_on_disk``: read when asked for
- ``photo_evidence``, ``photo_evidence_kernels``: what drawn frames may not contradict
- ``inpainting``, ``blending_kernels``: holes closed, warps put together
- ``walkthrough``: the video people watch
"""
