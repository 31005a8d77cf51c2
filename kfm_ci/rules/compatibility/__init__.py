"""Rules about what the running application uses."""
