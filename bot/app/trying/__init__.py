"""What a person tries at a desk: strategies, trials, recordings, reports."""
