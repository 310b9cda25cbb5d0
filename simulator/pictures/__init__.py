"""Pictures made without any library: a canvas, scenes that fit a prompt, charts; and reading sizes."""
