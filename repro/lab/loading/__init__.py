"""How images come to a network: fetched ahead, cropped and augmented, whole batches or one by one as officially."""
