"""Real data: public sets by name, frames with their labels, and which of them train, validate and test."""
