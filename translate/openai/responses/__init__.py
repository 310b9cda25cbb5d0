"""OpenAI's Responses: what a caller asks by `POST /v1/responses`, and how it is answered."""
