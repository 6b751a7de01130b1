"""What people bring, opened without trust: photo folders, single photos with their EXIF, videos, lenses taken out."""
