"""Tests in a browser: a package, for its browser ends before other tests' event loops begin."""
