"""From peaks to chemistry: charge reference."""
