"""Photos of many people at once: a zip or a folder `name/photo.jpg`."""
