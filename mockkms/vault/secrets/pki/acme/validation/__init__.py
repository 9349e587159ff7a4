"""The validation of challenges: a queue with retries, and what is asked over the network."""
