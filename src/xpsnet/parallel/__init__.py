"""Chunks of large arrays, threads and the progress of long work."""
