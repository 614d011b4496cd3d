"""One small reader for each public corpus, in its published file format."""
