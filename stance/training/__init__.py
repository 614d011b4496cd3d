"""Training runs described by a configuration file."""
