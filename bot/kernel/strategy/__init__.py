"""What strategies see and the house's words for a setup: read-only values, pure functions."""
