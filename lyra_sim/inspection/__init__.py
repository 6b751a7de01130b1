"""What a path is and what a build would make of it, by the build's own readers and doubts; nothing is built.

- ``telling``: what a file or folder is, content first
- ``looking``: from a path to findings
- ``findings``: what is found, as a person and a program read it
- ``found``: the same while it is being filled
- ``of_geometry``: meshes and splats
- ``of_recordings``: frames with depth
- ``of_pictures``: photos, videos, and what other tools posed
- ``scenes``: the scene that builds it
- ``formats``: every format that is read or written, and who has confirmed it
"""
