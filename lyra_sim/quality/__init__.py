"""Measuring finished worlds: every figure has a limit and a reason (``limits``), and what can't be measured says so."""
