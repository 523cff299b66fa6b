"""What ``run.py`` is made of: subjects, their measurement, tables and figures."""
