"""Read models: what status, risk, why and the rest say, once for every surface."""
