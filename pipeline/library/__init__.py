"""What the reader has read: libraries of reference managers, and scores from 0 to 10 by them."""
