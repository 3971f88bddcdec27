"""vCards (XEP-0054), avatars (XEP-0153, XEP-0398) and the search for users (XEP-0055)."""
