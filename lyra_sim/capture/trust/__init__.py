"""Whether cameras can be believed, and which of several models is: joints, agreement, depth, epipolar lines, GPS."""
