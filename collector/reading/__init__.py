"""Reading applications from Policy Insights: pages, how fast and how many at once, and which states belong to one."""
