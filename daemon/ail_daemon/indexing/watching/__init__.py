"""What `watcher` is made of: which directories tell of moved refs, on which file systems, and the kernel's events for them."""
