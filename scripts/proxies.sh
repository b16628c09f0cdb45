# Installs nginx and HAProxy for the test of deploy/proxy, where the machine allows; source lib.sh first.

proxies() {
  command -v nginx >/dev/null && command -v haproxy >/dev/null && return 0
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    not_run "the proxy settings: nginx or haproxy is missing, and cannot be installed here"
    return 0
  fi
  echo "installing nginx and haproxy"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends nginx-light haproxy; } >>.cache/apt.log 2>&1 </dev/null ||
    not_run "the proxy settings: apt-get could not install nginx-light and haproxy, see .cache/apt.log"
  # The packages start servers of their own: nobody needs them here.
  for s in nginx haproxy; do service "$s" stop >/dev/null 2>&1 || true; done
}
