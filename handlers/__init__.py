"""The HTTP face: authenticate, validate, call, write. What needs thought lives in the other rooms."""
