"""Reading one application from Policy Insights: its pages, its pace, its place among others, and what it owns."""
