"""Submissions: a model's predictions as a file that strangers exchange, verified by recomputing every score."""
