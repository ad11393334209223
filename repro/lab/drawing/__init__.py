"""How the embedded data is drawn: silhouettes, patterns, colours, and scenes made of them. numpy and scipy only."""
