"""Generation on a Ray cluster: what runs where, and what is recorded of it."""
