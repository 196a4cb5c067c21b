"""Files that are worked on apart from requests: in a process of their own, with limits, and resumed after a crash."""
