"""Settings that Open edX adds to its own."""
