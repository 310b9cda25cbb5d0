"""A picture to show to a client."""

PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mP4r6BAEmIY1TCq"
    "YfhqAAB2tz8QTpo+mwAAAABJRU5ErkJggg=="
)
"""A PNG of 16 x 16, all red, in base64."""
PICTURE_URL = f"data:image/png;base64,{PICTURE}"
PICTURE_SEEN = "image/png, 16 x 16"
"""What the simulated backend says of it."""
