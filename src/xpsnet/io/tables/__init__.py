"""Tables of numbers: text, csv and Excel."""
