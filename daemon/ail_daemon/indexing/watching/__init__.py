"""Notices that refs may have moved: which directories to watch, on which file systems, and the kernel's events for them."""
