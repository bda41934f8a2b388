"""NeuS surfaces from silhouettes, many cells at once, and the gate that judges them."""
