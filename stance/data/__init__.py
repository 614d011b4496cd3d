"""Labelled examples for training and evaluation."""
