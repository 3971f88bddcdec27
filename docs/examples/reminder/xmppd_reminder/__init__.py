"""Reminders by chat: a component that keeps them, and sends each at its time."""
