"""What proves a decoder: recorded truth, broken frames, and ccxt as a peer."""
