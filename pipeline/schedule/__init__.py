"""A run every listing night: a crontab, systemd units, or a GitHub workflow. job.py is first."""
