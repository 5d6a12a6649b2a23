//! Measures what the log costs over librdkafka's bare consumer, and what a transaction takes, on one broker and topic.
//!
//! `REKINDLE_TEST_KAFKA=host:port cargo run --release -p kafka --example poll_rate [RECORDS]`

#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use engine::ports::{Log, NewRecord, Polled};
use events::TopicPartition;
use kafka::{
    DesiredTopic, GroupProtocol, KafkaLog, KafkaLogSettings, KafkaProperties, PartitionGrowth, Plan, Step,
    Timeouts, TopicAdmin,
};
use pollster::block_on;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, TopicPartitionList};
use smol_str::SmolStr;

const PARTITIONS: u32 = 4;
const VALUE: [u8; 280] = [b'x'; 280];
const LIMIT: Duration = Duration::from_secs(120);

fn main() -> Result<(), Box<dyn Error>> {
    let servers = std::env::var("REKINDLE_TEST_KAFKA")?;
    let records: u64 = std::env::args().nth(1).map_or(Ok(2_000_000), |records| records.parse())?;
    let unique = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let (topic, output) = (format!("rate.{unique}"), format!("rate.{unique}.out"));
    create(&servers, &[&topic, &output])?;
    fill(&servers, &topic, records)?;
    for _ in 0..2 {
        let bare = bare_consumer(&servers, &topic, records)?;
        println!("bare consumer: {:.0} messages/s", per_second(records, bare));
        let polled = log_poll(&servers, &topic, records)?;
        println!("log poll:      {:.0} messages/s", per_second(records, polled));
    }
    for size in [0, 100, 5_000] {
        let (count, took) = transactions(&servers, &topic, &output, size)?;
        let millis = took.as_secs_f64() * 1_000.0 / f64::from(count);
        println!("transactions of {size} records with offsets: {millis:.1} ms each");
    }
    Ok(())
}

fn per_second(records: u64, took: Duration) -> f64 {
    records as f64 / took.as_secs_f64()
}

fn create(servers: &str, names: &[&str]) -> Result<(), Box<dyn Error>> {
    let step = |name: &&str| {
        Step::Create(DesiredTopic {
            name: SmolStr::new(name),
            partitions: PARTITIONS,
            replication: 1,
            growth: PartitionGrowth::Fixed,
            configs: BTreeMap::from([("message.timestamp.type".into(), "LogAppendTime".to_owned())]),
        })
    };
    let plan = Plan { steps: names.iter().map(step).collect(), cautions: Vec::new() };
    let properties = KafkaProperties::new([("bootstrap.servers", servers)])?;
    Ok(TopicAdmin::connect(&properties, Timeouts::default())?.apply(&plan, |_| {})?)
}

fn fill(servers: &str, topic: &str, records: u64) -> Result<(), Box<dyn Error>> {
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", servers).set("linger.ms", "20").create()?;
    for number in 0..records {
        let key = format!("customer-{}", number % 100_000);
        let partition = (number / 100 % u64::from(PARTITIONS)) as i32;
        let mut record = BaseRecord::to(topic).partition(partition).key(&key).payload(&VALUE[..]);
        while let Err((error, refused)) = producer.send(record) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            record = refused;
            producer.poll(Duration::from_millis(10));
        }
    }
    Ok(producer.flush(LIMIT)?)
}

fn bare_consumer(servers: &str, topic: &str, records: u64) -> Result<Duration, Box<dyn Error>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("group.id", "rate")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("fetch.queue.backoff.ms", "5")
        .create()?;
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS as i32 {
        list.add_partition_offset(topic, partition, rdkafka::Offset::Offset(0))?;
    }
    consumer.assign(&list)?;
    let (mut seen, mut bytes, mut began) = (0, 0, None);
    while seen < records {
        if let Some(message) = consumer.poll(LIMIT) {
            bytes += message?.payload_len();
            seen += 1;
            began.get_or_insert_with(Instant::now);
        }
    }
    assert!(bytes > 0);
    Ok(began.map_or(LIMIT, |began| began.elapsed()))
}

fn open(servers: &str, topic: &str, group: &str) -> Result<(KafkaLog, Vec<TopicPartition>), Box<dyn Error>> {
    let mut log = KafkaLog::connect(KafkaLogSettings {
        properties: KafkaProperties::new([("bootstrap.servers", servers)])?,
        protocol: GroupProtocol::Classic,
        group: format!("{topic}.{group}").into(),
        slot: "0".into(),
        topics: vec![topic.into()],
        max_poll_records: 1_000,
        poll_wait: Duration::from_millis(100),
        timeouts: Timeouts::default(),
    })?;
    block_on(log.open())?;
    loop {
        if let Polled::Assigned(partitions) = block_on(log.poll())? {
            return Ok((log, partitions));
        }
    }
}

fn log_poll(servers: &str, topic: &str, records: u64) -> Result<Duration, Box<dyn Error>> {
    let unique = format!("poll{:?}", Instant::now()).replace(|c: char| !c.is_ascii_alphanumeric(), "");
    let (mut log, partitions) = open(servers, topic, &unique)?;
    for partition in &partitions {
        block_on(log.start(partition, 0))?;
    }
    let (mut seen, mut began) = (0, None);
    while seen < records {
        if let Polled::Records(batch) = block_on(log.poll())? {
            began.get_or_insert_with(Instant::now);
            seen += batch.iter().map(|fetched| fetched.records.len() as u64).sum::<u64>();
        }
    }
    Ok(began.map_or(LIMIT, |began| began.elapsed()))
}

fn transactions(
    servers: &str,
    topic: &str,
    output: &str,
    size: usize,
) -> Result<(u32, Duration), Box<dyn Error>> {
    let (mut log, partitions) = open(servers, topic, &format!("transactions{size}"))?;
    let record = |number: usize| NewRecord {
        partition: TopicPartition::new(output, (number % PARTITIONS as usize) as i32),
        key: Some(Bytes::from_static(b"customer")),
        value: Some(Bytes::from_static(&VALUE)),
        headers: Vec::new(),
    };
    let count = 100;
    let began = Instant::now();
    for round in 0..count {
        let offsets = [(partitions[0].clone(), u64::from(round))];
        block_on(log.publish((0..size).map(record).collect(), &offsets))?;
    }
    Ok((count, began.elapsed()))
}
