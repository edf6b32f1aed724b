"""The collector: policy states of every managed application, from Azure Policy Insights to Log Analytics."""
