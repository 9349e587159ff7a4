"""What a server says of its own work: metrics and the log."""
