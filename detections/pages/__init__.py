"""Pages people see beside the board of who was last seen: cameras and nodes, and how the installation is."""
