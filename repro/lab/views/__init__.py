"""What a network is shown of an image; a member is a module with `Recipe`, `make`, `plain` and `normalise`."""
