"""Looking at worlds: ray casting against meshes, splats, images carried to other cameras. Nothing here writes files.

- ``ray_casting``: rays and nearest points
- ``open3d_loader``: Open3D on a bare machine
- ``mesh_view``: pictures of meshes
- ``painted_view``: somebody else's mesh as a camera sees it
- ``splat_view``: splats as a camera sees them
- ``splat_depth``, ``splat_depth_kernels``: their median depth
- ``rasterizer``: the same with gradients
- ``rasterizer_cuda``: by gsplat
- ``rasterizer_cpu``: by kernels of ours
- ``projection_kernels``: onto the image plane
- ``splat_order_kernels``: in which order
- ``splat_bands``: band by band
- ``splat_kernels``: blended
- ``simd_kernels``: eight numbers at once
- ``forward_warp``: Lyra 2.0's warp
- ``surface_warp``, ``surface_warp_kernels``: the one people look at
"""
