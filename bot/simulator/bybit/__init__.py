"""Bybit's v5 protocol (unified account, linear USDT perpetuals) over the pure exchange."""
