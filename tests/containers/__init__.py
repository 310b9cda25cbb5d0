"""The stacks of `deploy/` on a real container engine, in namespaces of its own: `make containers`.

`.ci/install_containers` fetches the engine and the root of a Debian system. No registry of images is asked:
stand-ins are built from that root under the names that the compose files pin, with the same programs (nginx,
Redis, Prometheus, Alertmanager, Python, in Debian's versions) or, for Grafana and the chat front ends, with a
small HTTP server. What differs in the real images is not tested here; all else is as it is shipped.
"""
