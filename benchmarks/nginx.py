"""The floor that the service is compared with: nginx, one worker, that relays the backend's bytes unchanged.

    python -m benchmarks.nginx          (settings: HOST, PORT, BASE_URL, STATE_DIR from the environment)

Writes its configuration to STATE_DIR and becomes nginx. The worker is a child of that process, so that who
measures the tree of processes measures it too.
"""

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

CONFIGURATION = """\
daemon off;
{user}
worker_processes 1;
worker_rlimit_nofile {descriptors};
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections {descriptors}; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream backend {{ server {backend}; keepalive 64; }}
  server {{
    listen {address} backlog=4096;
    keepalive_requests 1000000;
    location = /v1/chat/completions {{
      proxy_pass {scheme}://backend/backend-api/conversation;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 300s;
    }}
  }}
}}
"""
DESCRIPTORS = 8192
"""Files of the worker, and connections, two for each stream."""


def installed() -> bool:
    """Whether there is an nginx on this machine."""
    return shutil.which("nginx") is not None


def main() -> None:
    """Become nginx. Raises OSError if there is none."""
    folder = Path(os.environ["STATE_DIR"])
    backend = urlsplit(os.environ["BASE_URL"])
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(
            # Root's worker would become a user who may not enter the folder.
            user="user root;" if os.geteuid() == 0 else "",
            folder=folder,
            scheme=backend.scheme,
            backend=backend.netloc,
            address=f"{os.environ['HOST']}:{os.environ['PORT']}",
            descriptors=DESCRIPTORS,
        )
    )
    os.execvp("nginx", ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(configuration)])


if __name__ == "__main__":
    main()
