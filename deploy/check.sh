#!/usr/bin/env bash
# Checks what other people's tools know about these files. What is not installed is skipped, and said so.
#
# Terraform needs the AWS provider: without a network, TF_PLUGINS is the directory of a mirror that has it.
set -euo pipefail
cd "$(dirname "$0")"

skipped=0
has() {
    command -v "$1" >/dev/null && return
    echo "skipped: $1 is not installed ($2)"
    skipped=$((skipped + 1))
    return 1
}

if has cfn-lint "pip install cfn-lint"; then
    cfn-lint sam/template.yaml
    echo "cfn-lint: the template is well"
fi

if has sam "pip install aws-sam-cli"; then
    SAM_CLI_TELEMETRY=0 sam validate --lint --region eu-west-1 --template sam/template.yaml
fi

check_terraform() {
    local copy mirror=()
    terraform fmt -check -diff terraform
    # In a copy: what `init` writes does not belong here.
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' RETURN
    cp terraform/*.tf "$copy"
    [ -z "${TF_PLUGINS:-}" ] || mirror=("-plugin-dir=$TF_PLUGINS")
    export CHECKPOINT_DISABLE=1
    if terraform -chdir="$copy" init -backend=false -input=false "${mirror[@]}" >"$copy/log" 2>&1; then
        terraform -chdir="$copy" validate
    else
        echo "skipped: terraform validate, because the AWS provider cannot be had (set TF_PLUGINS)"
        skipped=$((skipped + 1))
    fi
}
if has terraform "from HashiCorp"; then
    check_terraform
fi

if has shellcheck "apt-get install shellcheck"; then
    shellcheck build.sh check.sh
    echo "shellcheck: the scripts are well"
fi

# The unit's program must exist for this check, so it is checked with another in its place.
check_unit() {
    local copy
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' RETURN
    sed 's|^ExecStart=/usr/local/bin/drawbridge |ExecStart=/bin/true |' systemd/drawbridge.service >"$copy/drawbridge.service"
    systemd-analyze verify --man=no "$copy/drawbridge.service"
    echo "systemd-analyze: the unit is well"
}
if has systemd-analyze "part of systemd"; then
    check_unit
fi

[ "$skipped" = 0 ] || echo "$skipped checks were skipped"
