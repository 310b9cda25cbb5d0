"""What the service costs in CPU time, latency and memory, beside a bare relay of the same bytes.

`python -m benchmarks` measures it; `benchmarks/README.md` explains the report.
"""
