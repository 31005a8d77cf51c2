"""What was judged, sealed."""
