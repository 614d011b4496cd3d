"""Figures about a model, computed by scikit-learn."""
