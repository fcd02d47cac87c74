"""What has no stream is asked for now and then, through ccxt; one file a venue."""
