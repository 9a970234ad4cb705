"""What is looked at before going live, and how it is judged."""
