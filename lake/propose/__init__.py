"""A first contract for a file of an unknown kind: what it says is seen in the file, or asked of a person."""
