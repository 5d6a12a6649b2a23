#!/usr/bin/env bash
# A Kafka broker and a Redis server for tests, on free loopback ports, with their data in a temporary folder.
#
# To be sourced. What must stay true: a server is ended by its process id and never by its name; nothing listens
# beyond loopback; logs outlive a failure (servers_keep_logs).
#
#   servers_install          what is missing, from Debian's packages (as root; else it prints the command)
#   start_kafka              sets REKINDLE_TEST_KAFKA (host:port)
#   start_redis              sets REKINDLE_TEST_REDIS (host:port)
#   stop_servers             ends both and removes their data

servers_dir="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
kafka_version=4.3.1
kafka_jars="$servers_dir/../../.cache/kafka-$kafka_version"
kafka_heap=512m
# Seconds until a server must answer. A cold JVM on two busy cores has taken 15.
start_timeout=90

servers_data=""
kafka_pid=""
redis_pid=""

# What tests and the build of librdkafka need beyond the Rust toolchain: command, then Debian package.
servers_needs="cc:gcc g++:g++ make:make java:default-jre-headless mvn:maven redis-server:redis-server"

servers_install() {
    local missing=() need
    for need in $servers_needs; do
        command -v "${need%%:*}" >/dev/null || missing+=("${need#*:}")
    done
    [ "${#missing[@]}" = 0 ] && return 0
    if [ "$(id -u)" != 0 ]; then
        echo "missing: run  sudo apt-get install --no-install-recommends ${missing[*]}" >&2
        return 1
    fi
    echo "installing ${missing[*]}"
    apt-get update -qq && servers_apt_install "${missing[@]}"
}

# servers_apt_install PACKAGE...: without the services that Debian starts along with some of them, now or at the next
# boot. A policy that is there already stays.
servers_apt_install() (
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null || exit 1
    [ -d /run/systemd/system ] || exit 0
    for package in "$@"; do
        systemctl disable --quiet "$package" 2>/dev/null || true
    done
)

# A port that nothing listens on, below those that outgoing connections take.
free_port() {
    local port tries=100
    while [ "$tries" -gt 0 ]; do
        port=$((20000 + RANDOM % 12000))
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return 0; }
        tries=$((tries - 1))
    done
    echo "no free port" >&2
    return 1
}

servers_prepare_data() {
    [ -n "$servers_data" ] || servers_data="$(mktemp -d "${TMPDIR:-/tmp}/rekindle-servers.XXXXXX")"
}

# The jars, from Maven Central, once per checkout. A folder that is complete has a stamp.
fetch_kafka() {
    [ -e "$kafka_jars/.complete" ] && return 0
    echo "fetching Apache Kafka $kafka_version"
    mvn -q -B -f "$servers_dir/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
        -Dkafka.version="$kafka_version" -DoutputDirectory="$kafka_jars" </dev/null &&
        touch "$kafka_jars/.complete"
}

# A plain command and no function, so that the process id of a background job is the JVM's.
kafka_java=(java -Xmx"$kafka_heap" -Xms128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1
    -Dlog4j2.configurationFile="$servers_dir/log4j2.properties" -cp "$kafka_jars/*")

kafka_properties() {
    local port=$1 controller=$2
    cat <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs=$servers_data/kafka
auto.create.topics.enable=false
num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=1000
group.consumer.session.timeout.ms=6000
group.consumer.min.heartbeat.interval.ms=100
group.consumer.heartbeat.interval.ms=300
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
log.retention.check.interval.ms=5000
log.initial.task.delay.ms=500
PROPERTIES
}

# start_kafka: one KRaft node that is broker and controller.
start_kafka() {
    servers_prepare_data
    fetch_kafka || return 1
    local port controller
    port=$(free_port) && controller=$(free_port) || return 1
    kafka_properties "$port" "$controller" >"$servers_data/kafka.properties"
    local cluster
    cluster=$("${kafka_java[@]}" kafka.tools.StorageTool random-uuid 2>/dev/null)
    "${kafka_java[@]}" kafka.tools.StorageTool format -t "$cluster" -c "$servers_data/kafka.properties" \
        --ignore-formatted >"$servers_data/kafka.log" 2>&1 || { servers_show_log kafka; return 1; }
    "${kafka_java[@]}" kafka.Kafka "$servers_data/kafka.properties" >>"$servers_data/kafka.log" 2>&1 </dev/null &
    kafka_pid=$!
    servers_wait kafka "$kafka_pid" grep -q "Kafka Server started" "$servers_data/kafka.log" || return 1
    export REKINDLE_TEST_KAFKA="127.0.0.1:$port"
}

# start_redis: append-only file, as in production.
start_redis() {
    servers_prepare_data
    local port
    port=$(free_port) || return 1
    mkdir -p "$servers_data/redis"
    redis-server --bind 127.0.0.1 --port "$port" --dir "$servers_data/redis" --appendonly yes --save "" \
        --maxmemory-policy noeviction >"$servers_data/redis.log" 2>&1 </dev/null &
    redis_pid=$!
    servers_wait redis "$redis_pid" redis-cli -p "$port" ping || return 1
    export REKINDLE_TEST_REDIS="127.0.0.1:$port"
}

# servers_wait NAME PID COMMAND...: until the command succeeds, the process dies, or time is up.
servers_wait() {
    local name=$1 pid=$2 tries=$((start_timeout * 5))
    shift 2
    while [ "$tries" -gt 0 ]; do
        "$@" >/dev/null 2>&1 && return 0
        kill -0 "$pid" 2>/dev/null || break
        tries=$((tries - 1))
        sleep 0.2
    done
    echo "$name did not start" >&2
    servers_show_log "$name"
    return 1
}

servers_show_log() {
    echo "--- the end of $servers_data/$1.log" >&2
    tail -n 40 "$servers_data/$1.log" >&2
}

# servers_keep_logs FOLDER: for a look after a failure.
servers_keep_logs() {
    [ -n "$servers_data" ] || return 0
    mkdir -p "$1" && cp "$servers_data"/*.log "$1"/ 2>/dev/null
}

# servers_end PID: asks, and after ten seconds insists.
servers_end() {
    [ -n "$1" ] || return 0
    kill "$1" 2>/dev/null || return 0
    local tries=50
    while [ "$tries" -gt 0 ] && kill -0 "$1" 2>/dev/null; do
        tries=$((tries - 1))
        sleep 0.2
    done
    kill -9 "$1" 2>/dev/null
    wait "$1" 2>/dev/null
    return 0
}

stop_servers() {
    servers_end "$redis_pid"
    servers_end "$kafka_pid"
    kafka_pid="" redis_pid=""
    [ -z "$servers_data" ] || rm -rf "$servers_data"
    servers_data=""
}
