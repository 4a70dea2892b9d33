"""What people read: tables, progress, JSON. The only place that formats numbers."""
