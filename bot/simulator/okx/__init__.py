"""The embedded venue's OKX v5 protocol: USDT-margined swaps, plain and conditional orders."""
