"""What happens to nodes: operations on the model and the store, and who is told of it."""
