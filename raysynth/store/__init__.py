"""Data sets on disk and in buckets: written shard by shard, read frame by frame, verified."""
