"""Which account takes a turn, and what becomes of an account that fails."""

from pool.candidate import Candidate, Obstacle, Policy
from pool.health import AccountFault, Condition, Fault
from pool.health_book import AccountHealth, HealthBook
from pool.stores import HEALTH_FILE, FileHealth, HealthStore, RedisHealth

__all__ = [
    "HEALTH_FILE",
    "AccountFault",
    "AccountHealth",
    "Candidate",
    "Condition",
    "Fault",
    "FileHealth",
    "HealthBook",
    "HealthStore",
    "Obstacle",
    "Policy",
    "RedisHealth",
]
