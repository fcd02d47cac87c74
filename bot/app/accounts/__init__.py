"""Which accounts a daemon drives, what binds them, and who else may drive them."""
