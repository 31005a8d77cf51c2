"""What the server did."""
