"""The daemon as a service of systemd: its unit, and the steps that install or remove it."""
