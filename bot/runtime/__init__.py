"""The shell: inbox, pump, executor, coverage, timers, supervisor."""
