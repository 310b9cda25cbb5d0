"""OpenAI's Responses and Conversations: making responses, and the routes of what is kept of them."""
