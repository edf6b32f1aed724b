"""What the reliability tests share: a fleet, and hypothesis without its clock."""

from __future__ import annotations

import hypothesis

from tests.collector.conftest import fleet

__all__ = ["fleet"]

hypothesis.settings.register_profile("patient", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("patient")
