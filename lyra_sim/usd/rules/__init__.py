"""What a stage must keep: our rules and other people's, run on anybody's stage in a process with limits.

- ``validate``: the way in
- ``validate_worker``: the process
- ``examine``: what it does
- ``rule_groups``: which rules are asked
- ``rule``: what one is
- ``issues``: what it finds
- ``stage_view``: a stage under one variant
- ``nav_environment``: our rules as a table
- ``nav_stage``: the stage as a whole
- ``nav_colliders``: what physics sees
- ``nav_visuals``: meshes and splats
- ``nav_map``: the map against physics
- ``nav_package``: the folder
- ``isaac_rubric``: NVIDIA's advice
- ``foreign_rules``: OpenUSD's and NVIDIA's validators
- ``validation_report``: as text, JSON, JUnit
"""
