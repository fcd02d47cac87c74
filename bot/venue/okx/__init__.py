"""One account at OKX: USDT-margined swaps, plain and conditional orders, three WebSockets."""
