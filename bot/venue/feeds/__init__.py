"""Feeds of venues that are sensed and not traded, one file a venue."""
