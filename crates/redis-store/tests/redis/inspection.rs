//! Looking at servers and at what they hold; users with few rights.

use bytes::Bytes;
use engine::ports::PositionMark;
use events::{CustomerId, EventTime};
use pollster::block_on;
use redis_store::{Finding, Servers, Settings, StoredCustomer};

use crate::fixtures::{acquired, checkpoint, position, task, task_of_partition, write};
use crate::server::{any_server, free_port, namespace, open, own_server};

#[test]
fn a_careless_server_has_findings_and_a_careful_one_has_none() {
    let careless = ["--appendonly", "no", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"];
    let Some(server) = own_server(&careless) else { return };
    let reports = block_on(server.store("careless").check()).expect("the server is there");
    let [report] = &reports[..] else { panic!("one server, {} reports", reports.len()) };
    assert_eq!(report.address, server.address);
    assert!(report.version.is_some());
    assert_eq!(report.findings, [Finding::MayEvict("allkeys-lru".into()), Finding::NotPersistent]);
    let Some(careful) = own_server(&["--appendonly", "yes"]) else { return };
    let reports = block_on(careful.store("careful").check()).expect("the server is there");
    assert_eq!(reports[0].findings, []);
}

#[test]
fn a_server_that_is_not_there_is_a_finding() {
    let url = format!("redis://127.0.0.1:{}", free_port());
    let store = open(Settings::new(Servers::Standalone(url), "nowhere"));
    let reports = block_on(store.check()).expect("one server is named");
    assert!(matches!(&reports[0].findings[..], [Finding::Unreachable(_)]), "{reports:?}");
}

#[test]
fn positions_and_customers_can_be_looked_at_without_becoming_their_owner() {
    let Some(server) = any_server() else { return };
    let mut store = server.store("looking");
    for partition in [2, 11] {
        let mark = acquired(&mut store, &task_of_partition(partition));
        let first = checkpoint(mark, 5, 1, &[("a", Some(9))]);
        assert_eq!(write(&mut store, &task_of_partition(partition), first), Ok(()));
    }
    acquired(&mut store, &task_of_partition(3));
    let positions = block_on(store.positions("triggers")).expect("the server is there");
    let found: Vec<_> = positions.iter().map(|found| (found.partition, found.epoch)).collect();
    assert_eq!(found, [(2, 1), (3, 1), (11, 1)]);
    assert_eq!(positions[0].position, Some(position(5, 1)));
    assert_eq!(positions[1].position, None);
    assert_eq!(block_on(store.positions("trigger")), Ok(vec![]));
    let read = block_on(store.customer_record(&task_of_partition(2), &CustomerId::new("a"))).expect("there");
    assert_eq!(read.mark, Some(PositionMark { epoch: 1, next: 5 }));
    let due = Some(EventTime::from_millis(9));
    assert_eq!(read.values, Some(StoredCustomer { record: Bytes::from("due 9"), due }));
    let nobody =
        block_on(store.customer_record(&task_of_partition(2), &CustomerId::new("b"))).expect("there");
    assert_eq!(nobody.values, None);
}

#[test]
fn a_user_with_rights_to_these_keys_and_commands_alone_is_enough() {
    let Some(server) = own_server(&[]) else { return };
    let commands = "hincrby hgetall hlen hmget hget hset hdel zadd zrem zcard zcount zscore zrank zrange zrangebyscore \
                    watch multi exec info scan";
    let mut user = redis::cmd("ACL");
    user.arg("SETUSER").arg("worker").arg("on").arg(">se:cret").arg("~{rk:*");
    commands.split_whitespace().for_each(|command| {
        user.arg(format!("+{command}"));
    });
    user.query::<()>(&mut server.connection()).expect("the user is made");
    let url = format!("redis://worker:se%3Acret@{}", server.address);
    let mut store = open(Settings::new(Servers::Standalone(url), namespace("user")));
    let mark = acquired(&mut store, &task());
    assert_eq!(write(&mut store, &task(), checkpoint(mark, 5, 1, &[("a", Some(9)), ("b", None)])), Ok(()));
    assert_eq!(crate::fixtures::dues(&mut store, &task()), [9]);
    let after = (EventTime::from_millis(8), CustomerId::new("z"));
    assert_eq!(crate::fixtures::due_page(&mut store, &task(), Some(&after), 5).1.len(), 1);
    assert_eq!(block_on(store.positions("triggers")).expect("there").len(), 1);
    assert_eq!(block_on(store.check()).expect("there")[0].findings, [Finding::NotPersistent]);
}
