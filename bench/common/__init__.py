"""What several benchmarks share; nothing here runs by itself."""
