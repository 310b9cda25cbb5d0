"""Stand-ins for programs that change the machine, or that need an engine or a cluster.

Each takes the options that the documents use and no others, and fails if a file, a user, a service or a
variable that it is told of is not there. Where the real one starts the service, so does the stand-in, over
the simulated backend: the service has the settings and files that a container or a unit would see, and is
asked one question.
"""
