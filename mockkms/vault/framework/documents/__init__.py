"""Documents about endpoints, made from their declarations: help texts and OpenAPI."""
