"""The API's answers as tools for agents (Model Context Protocol), made from its description."""
