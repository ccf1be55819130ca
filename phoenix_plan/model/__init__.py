"""Nouns: frozen classes for what is there and what is wanted. Imports `errors` only."""
