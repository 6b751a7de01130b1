"""Exporters: finished worlds in the layouts that other tools read.

- ``isaac``: the package and its plain twins
- ``glb``: binary glTF
- ``predictions``: what another simulator should find in it
"""
