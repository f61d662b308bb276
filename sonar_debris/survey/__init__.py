"""Process whole dives: run, database, tracking, objects, exports, report and review."""
