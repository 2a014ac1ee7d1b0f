#!/bin/sh
# Run as root by `pgchaos lab install-deps` and by tests/run, with the packages as arguments.
#
# The packages would start services of their own: one that listens on port 5432,
# say. Debian's policy-rc.d is asked before each, and answers no here; and
# postgresql-common is told to make no cluster. Both files go again, whatever
# happens, also when pgchaos itself is killed: that is why this is one script.
set -eu
policy=/usr/sbin/policy-rc.d
no_cluster=/etc/postgresql-common/createcluster.d/pgchaos-install.conf
mark='made by pgchaos lab install-deps'
export DEBIAN_FRONTEND=noninteractive

log=$(mktemp)

clean_up() {
    rm -f "$no_cluster" "$log"
    if grep -qs "$mark" "$policy"; then rm -f "$policy"; fi
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# One that is there already is the system's own, as in many containers.
if [ ! -e "$policy" ] || grep -qs "$mark" "$policy"; then
    printf '#!/bin/sh\n# %s\nexit 101\n' "$mark" >"$policy"
    chmod 755 "$policy"
fi
mkdir -p "$(dirname "$no_cluster")"
printf '# %s\ncreate_main_cluster = false\n' "$mark" >"$no_cluster"

# Hundreds of lines, of use only when it fails.
apt() {
    apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 || {
        tail -n 40 "$log" >&2
        exit 1
    }
}
apt update
apt -y install --no-install-recommends "$@"

# Neither at the next start of the machine. The units that were there before are
# not touched: only packages that were missing come here.
for service in "$@"; do
    case $service in
        etcd-server) service=etcd ;;
        repmgr-common) service=repmgrd ;;
        python3-etcd | repmgr | postgresql-*-repmgr | postgresql-*-auto-failover | pg-auto-failover-cli) continue ;;
    esac
    if command -v systemctl >/dev/null; then
        systemctl disable "$service" >/dev/null 2>&1 || true
    elif command -v update-rc.d >/dev/null; then
        update-rc.d "$service" disable >/dev/null 2>&1 || true
    fi
done
