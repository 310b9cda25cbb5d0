"""Pictures made without a library: drawings for prompts, charts, and the headers of image files."""

from simulator.pictures.image_header import read_image_header
from simulator.pictures.scenes import chart, draw

__all__ = ["chart", "draw", "read_image_header"]
