"""Which account takes a turn, and what becomes of an account that fails."""

from pool.candidate import Candidate, Obstacle, Policy
from pool.health import AccountFault, Condition, Fault
from pool.health_book import AccountHealth, HealthBook
from pool.pool import CurrentRoster, Pool, queue_name
from pool.stores import HEALTH_FILE, FileHealth, HealthStore, RedisHealth
from pool.survey import NEVER, Hindrance, Sources, Standing

__all__ = [
    "HEALTH_FILE",
    "NEVER",
    "AccountFault",
    "AccountHealth",
    "Candidate",
    "Condition",
    "CurrentRoster",
    "Fault",
    "FileHealth",
    "HealthBook",
    "HealthStore",
    "Hindrance",
    "Obstacle",
    "Policy",
    "Pool",
    "RedisHealth",
    "Sources",
    "Standing",
    "queue_name",
]
