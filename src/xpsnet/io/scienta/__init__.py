"""Scienta SES and DA30."""
