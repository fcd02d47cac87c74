"""The same kernel on recorded or simulated time: replay, report, bench."""
