"""What happens to rooms and to people in them: in memory, in the store, and told of."""
