"""Depth of frames in memory, by whoever can tell it: one small protocol, one file an adapter, loaded when used."""
