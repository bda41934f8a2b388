"""Training: one loop for every model, their tasks, checkpoints, and the way of a trained model into a bundle."""
