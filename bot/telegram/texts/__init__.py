"""Answers in plain words with numbers and units; pure functions of the documents of --json."""
