"""Market data on disk: reading, checking, and saying what is wrong with it."""
