"""The network, its files, and how text becomes its input."""
