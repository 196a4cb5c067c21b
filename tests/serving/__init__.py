"""The loaded model, the API and the pages."""
