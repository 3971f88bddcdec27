"""What the server keeps: one interface per subject, one way to run SQL under all of them.

A subject's store (`accounts`, …) is written once, over `interfaces.Database`; a backend
(`sqlite`) implements `Database` and nothing of any subject. Components store their own
subjects through the same package, with their own schema set and in their own database.
"""
