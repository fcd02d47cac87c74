"""The only room that knows ccxt: calls, throttling lanes, streams, parsing."""
