"""What stanzas ask of the service: a chapter of XEP-0045, or another XEP, in each."""
