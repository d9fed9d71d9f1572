"""PHI MultiPak."""
