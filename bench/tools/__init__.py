"""What makes or checks something: plots, pages, digests, records of tables."""
