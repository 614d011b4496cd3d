"""From a thread to stance, toxicity and toxic spans for each comment."""
