"""One file, one strategy; each imports bot.sdk and nothing else of the house."""
