"""Pictures of a paper run, for the README: `scripts/pictures`."""
