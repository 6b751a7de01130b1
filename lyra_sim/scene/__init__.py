"""The scene file: its models, its layers, and its mistakes told in the user's terms.

- ``spec``: one model a step
- ``sources``: one a kind of source
- ``generate``: what is generated
- ``lyra2``: the ``lyra2`` generator's options
- ``scene_file``: layers merged, scenes made
- ``strict_yaml``: data and nothing else
- ``messages``: findings as sentences
"""
