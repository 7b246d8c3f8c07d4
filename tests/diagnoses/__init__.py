"""What is said of wrong gradients whose cause is known: see `__main__`."""
