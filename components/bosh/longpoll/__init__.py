"""BOSH (XEP-0124, XEP-0206): streams in requests, of which one waits for what there is to say."""
