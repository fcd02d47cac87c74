"""Each protocol of the embedded venue put together: a file each, found by its name."""
