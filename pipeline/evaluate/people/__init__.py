"""Two systems' lines judged by people, blinded. Read `sheet` first."""
