"""Commands by file: each module has `register(app)`, and is found without being listed."""
