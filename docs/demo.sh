#!/bin/sh
# The whole story on a simulated host: `make demo`. The one argument is a folder to work in, which
# must not be there yet. phoenix is taken from the PATH. Exits with 1 where a step ends otherwise
# than it should.
set -eu

folder=$1
here=$(cd "$(dirname "$0")/.." && pwd)
mkdir "$folder"
cp "$here"/fixtures/hosts/demo.host.json "$here"/fixtures/hosts/demo.config.json "$folder"
cd "$folder"

# step CODE TEXT COMMAND...: say what happens, run the command, hold its exit code against CODE.
step() {
    expected=$1
    printf '\n=== %s\n$ %s\n\n' "$2" "$3"
    seen=0
    sh -c "$3" || seen=$?
    if [ "$seen" -ne "$expected" ]; then
        printf '\nThe demo failed: exit code %s, expected %s.\n' "$seen" "$expected" >&2
        exit 1
    fi
}

host='--host sim:demo.host.json'
config='-c demo.config.json'

step 0 'Look at the host, and write down what is there. This changes nothing.' \
    "phoenix refresh $host $config -o state.json"
step 0 'Plan: hold the config against it. This changes nothing either.' \
    "phoenix plan --state state.json $config -o demo.plan.json >out"
step 0 'Read the plan: what would be lost stands first.' \
    'phoenix show demo.plan.json'
step 4 'Apply. Nobody has agreed to a loss: it is refused, nothing runs.' \
    "phoenix apply demo.plan.json $host"
step 0 'Approve: this plan, on this host, for four hours, for a reason.' \
    'phoenix approve demo.plan.json --all --expires 4h --reason "have backups"'
step 0 'Apply: each action is checked right before it, and again after it.' \
    "phoenix apply demo.plan.json $host"
step 0 'Plan again: exit code 0 says that there is nothing left to change.' \
    "phoenix plan $host $config --detailed-exitcode"

printf '\nAs it should be: refused without consent, applied with it, no change left.\n'
printf 'The host, its plan, the approval and the journal are in %s.\n' "$folder"
