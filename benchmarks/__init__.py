"""What the service costs: CPU, latency and memory, beside a bare relay of the same bytes.

`python -m benchmarks` runs it; `benchmarks/README.md` says how to read what it prints.
"""
