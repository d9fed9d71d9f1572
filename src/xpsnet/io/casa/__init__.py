"""CasaXPS: its line shapes, backgrounds, comments and text exports."""
