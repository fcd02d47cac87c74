"""The embedded venue beside a bot: put together, kept alive, compared with the real one."""
