"""Running an external migration tool and recording its SQL."""
