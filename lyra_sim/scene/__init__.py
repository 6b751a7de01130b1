"""The scene file: its models, its layers, and its mistakes told in the user's terms.

- ``spec``: one model a step
- ``sources``: one a kind of source
- ``generate``: what is generated
- ``plugin_choice``, ``option_layers``: plug-ins that are named, and their options
- ``scene_file``: layers merged, scenes made
- ``strict_yaml``: data and nothing else
- ``messages``: findings as sentences
"""
