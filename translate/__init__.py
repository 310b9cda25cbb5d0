"""The sans-IO heart: OpenAI requests into conversation payloads, upstream bytes into OpenAI bytes.

Nothing here opens a socket, reads a clock or draws a random number; ids and times are passed in.
"""
