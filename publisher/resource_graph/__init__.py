"""Azure Resource Graph, as the publisher's service principal sees it: how many policy states say what, by group."""
