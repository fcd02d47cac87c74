"""What a venue calls things and what it cannot do, one file a venue."""
