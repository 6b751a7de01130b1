"""Floors, ceilings, walls, ramps and treads as planes, and those as slabs with their openings left open."""
