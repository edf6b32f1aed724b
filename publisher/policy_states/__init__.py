"""The policy states of a resource group: how Policy Insights is asked, how pages are followed, and what they say."""
