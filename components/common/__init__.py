"""The kit that components are written with."""
