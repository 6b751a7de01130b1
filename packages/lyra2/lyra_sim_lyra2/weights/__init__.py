"""Files of weights: reading what others publish, our own folder, additions (LoRA), licences, random stand-ins."""
