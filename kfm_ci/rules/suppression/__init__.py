"""Rules about acknowledgements and ignore comments."""
