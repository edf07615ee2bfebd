"""What people see of an evaluation: a table in the terminal and one HTML file."""
