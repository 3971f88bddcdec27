"""A component that sends back what it is sent: the smallest there is, and a test of the port."""
