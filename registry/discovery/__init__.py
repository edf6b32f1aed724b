"""Discovery: applications of ours that no notification told of, found in the subscriptions that we can see."""
