"""What browsers load besides pages: sources in `src`, and what their build leaves in `static`."""
