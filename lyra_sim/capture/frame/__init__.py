"""The frame before align: what the input itself says of its scale, its vertical and where on Earth it lies."""
