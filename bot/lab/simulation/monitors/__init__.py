"""What must hold, watched from the exchange's truth, the daemon's sends and the kernel's belief."""
