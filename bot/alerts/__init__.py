"""What people are told, by which way, how loud, and until when."""
