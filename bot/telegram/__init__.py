"""The chat with the operator: who may speak, what is said, what is done."""
