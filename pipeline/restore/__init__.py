"""The store made again from its snapshots and the published digests."""
