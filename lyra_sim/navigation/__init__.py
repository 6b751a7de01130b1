"""Where a robot can go: the occupancy map made from hulls, reachable space, spawn poses, drop points and routes."""
