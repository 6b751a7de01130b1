"""From a user's files to undistorted, posed, checked views in a provisional metric frame."""
