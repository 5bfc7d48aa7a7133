"""Trained models and the jobs that make them. Knows labels, not people: a label is an opaque id."""
