"""Read a saved comment section into a `stance.thread.Thread`."""
