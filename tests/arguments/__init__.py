"""Every public callable, called with wrong arguments."""
