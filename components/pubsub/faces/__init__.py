"""What takes stanzas: each file one use case of XEP-0060, or another XEP."""
