"""What the program says of itself: health, answers, logs, and nothing secret."""
