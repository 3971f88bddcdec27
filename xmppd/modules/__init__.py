"""The features of the server, one XEP or chapter a file; each has `register(context)`."""
