"""Exporters: finished worlds in the layouts that other tools read.

- ``exporter``: the slot an exporter fills
- ``isaac``: the package and its plain twins
- ``glb``: binary glTF
- ``predictions``: what another simulator should find in it
"""
