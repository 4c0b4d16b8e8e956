"""What the lab is made of on one machine, and how it is started, watched and stopped."""
