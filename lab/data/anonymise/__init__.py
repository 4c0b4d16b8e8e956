"""k-anonymity, l-diversity and t-closeness by generalising and removing rows, exactly."""
