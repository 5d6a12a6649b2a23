//! Redis Cluster: tasks on different nodes, and a slot that moves under its owner.

use std::time::{Duration, Instant};

use engine::ports::PositionMark;
use pollster::block_on;
use redis_store::{RedisStore, Servers, Settings};

use crate::fixtures::{acquired, checkpoint, dues, task_of_partition, write};
use crate::server::{Server, namespace, open, own_server};
use crate::snapshot::{staged, taken};

fn node() -> Option<Server> {
    own_server(&["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"])
}

fn cluster_command(server: &Server, arguments: &[&str]) -> String {
    let mut command = redis::cmd("CLUSTER");
    arguments.iter().for_each(|argument| {
        command.arg(argument);
    });
    let answer: redis::Value = command.query(&mut server.connection()).expect("the node answers");
    redis::from_redis_value(answer).unwrap_or_default()
}

fn wait_until_whole(nodes: &[&Server]) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let known = format!("cluster_known_nodes:{}", nodes.len());
    let is_whole = |node: &&Server| {
        let info = cluster_command(node, &["INFO"]);
        info.contains("cluster_state:ok") && info.contains(&known) && info.contains("cluster_slots_ok:16384")
    };
    while !nodes.iter().all(is_whole) {
        assert!(Instant::now() < deadline, "the cluster does not form");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Two nodes with half of the slots each.
fn two_nodes() -> Option<(Server, Server)> {
    let (first, second) = (node()?, node()?);
    cluster_command(&first, &["ADDSLOTSRANGE", "0", "8191"]);
    cluster_command(&second, &["ADDSLOTSRANGE", "8192", "16383"]);
    let (host, port) = second.address.split_once(':')?;
    cluster_command(&first, &["MEET", host, port]);
    wait_until_whole(&[&first, &second]);
    Some((first, second))
}

fn store(seed: &Server, test: &str) -> RedisStore {
    open(Settings::new(Servers::Cluster(vec![seed.url()]), namespace(test)))
}

#[test]
fn a_cluster_of_one_node_serves_like_a_single_server() {
    let Some(node) = node() else { return };
    cluster_command(&node, &["ADDSLOTSRANGE", "0", "16383"]);
    wait_until_whole(&[&node]);
    let mut store = store(&node, "one-node");
    for partition in 0..4 {
        let task = task_of_partition(partition);
        let mark = acquired(&mut store, &task);
        assert_eq!(write(&mut store, &task, checkpoint(mark, 5, 1, &[("a", Some(9))])), Ok(()));
        assert_eq!(dues(&mut store, &task), [9]);
    }
    assert_eq!(block_on(store.positions("triggers")).expect("there").len(), 4);
}

#[test]
fn each_task_is_found_on_the_node_that_owns_its_slot() {
    let Some((first, second)) = two_nodes() else { return };
    let mut store = store(&first, "two-nodes");
    for partition in 0..8 {
        let task = task_of_partition(partition);
        let mark = acquired(&mut store, &task);
        assert_eq!(write(&mut store, &task, checkpoint(mark, 5, 1, &[("a", Some(9))])), Ok(()));
        assert_eq!(dues(&mut store, &task), [9]);
    }
    for node in [&first, &second] {
        let keys: usize = redis::cmd("DBSIZE").query(&mut node.connection()).expect("the node answers");
        assert!(keys > 0 && keys.is_multiple_of(3), "{keys} keys on one node");
    }
    assert_eq!(block_on(store.positions("triggers")).expect("there").len(), 8);
    assert_eq!(block_on(store.check()).expect("there").len(), 2);
}

#[test]
fn a_slot_that_moves_to_another_node_is_followed() {
    let Some((first, second)) = two_nodes() else { return };
    let mut store = store(&first, "moved");
    let task = task_of_partition(0);
    let mark = acquired(&mut store, &task);
    assert_eq!(write(&mut store, &task, checkpoint(mark, 5, 1, &[("a", Some(9))])), Ok(()));
    let tag = format!("{{rk:{}:triggers:0}}", namespace("moved"));
    let slot: u16 =
        redis::cmd("CLUSTER").arg("KEYSLOT").arg(&tag).query(&mut first.connection()).expect("a slot");
    let (from, to) = if slot < 8_192 { (&first, &second) } else { (&second, &first) };
    move_slot(&slot.to_string(), from, to);
    let at_5 = PositionMark { next: 5, ..mark };
    assert_eq!(dues(&mut store, &task), [9]);
    assert_eq!(write(&mut store, &task, checkpoint(at_5, 6, 1, &[("a", Some(10))])), Ok(()));
    assert_eq!(dues(&mut store, &task), [10]);
}

fn move_slot(slot: &str, from: &Server, to: &Server) {
    let (from_id, to_id) = (cluster_command(from, &["MYID"]), cluster_command(to, &["MYID"]));
    cluster_command(to, &["SETSLOT", slot, "IMPORTING", &from_id]);
    cluster_command(from, &["SETSLOT", slot, "MIGRATING", &to_id]);
    let mut source = from.connection();
    let keys: Vec<String> =
        redis::cmd("CLUSTER").arg("GETKEYSINSLOT").arg(slot).arg(100).query(&mut source).expect("keys");
    let (host, port) = to.address.split_once(':').expect("host:port");
    let mut migrate = redis::cmd("MIGRATE");
    migrate.arg(host).arg(port).arg("").arg(0).arg(5_000).arg("KEYS").arg(keys);
    migrate.query::<()>(&mut source).expect("the keys move");
    cluster_command(to, &["SETSLOT", slot, "NODE", &to_id]);
    cluster_command(from, &["SETSLOT", slot, "NODE", &to_id]);
}

#[test]
fn a_snapshot_is_of_all_nodes_and_comes_back_to_all() {
    let Some((first, second)) = two_nodes() else { return };
    let settings = |seed: &Server, test| Settings::new(Servers::Cluster(vec![seed.url()]), namespace(test));
    let (from, to) = (settings(&first, "snapshot-from"), settings(&second, "snapshot-to"));
    let mut store = open(from.clone());
    for partition in 0..4 {
        let task = task_of_partition(partition);
        let mark = acquired(&mut store, &task);
        write(&mut store, &task, checkpoint(mark, 7, 1, &[("a", Some(i64::from(partition)))]))
            .expect("written");
    }
    let done = staged(&to, &taken(&from)).finish().expect("nobody else is there");
    assert_eq!(done.len(), 4);
    let mut store = open(to);
    for partition in 0..4 {
        assert_eq!(dues(&mut store, &task_of_partition(partition)), [i64::from(partition)]);
    }
}
