"""What is kept of nodes, in SQL."""
