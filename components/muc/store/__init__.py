"""What outlives the process: rooms, messages, who is present."""
