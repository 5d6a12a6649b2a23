//! Customer care through the whole service.

use customer_care::Rules;
use events::event::{
    Delivered, DeliveryUpdated, SurveyAnswered, TicketOpened, TicketReopened, TicketResolved,
};
use events::{Body, Event, EventTime};
use triggers::{Settings, structured};

use crate::log::{Log, added, asking_all_gates, event, minute, ordered, settings, text};
use crate::silence::DAY;

pub fn caring() -> Settings {
    Settings { care: Some(Rules::default()), ..settings() }
}

pub fn opened(id: &str, minutes: i64, ticket: &str) -> Event {
    event(id, minutes, Body::TicketOpened(TicketOpened { ticket_id: ticket.into(), topic: None }))
}

pub fn resolved(id: &str, minutes: i64, ticket: &str) -> Event {
    event(id, minutes, Body::TicketResolved(TicketResolved { ticket_id: ticket.into() }))
}

fn reopened(id: &str, minutes: i64, ticket: &str) -> Event {
    event(id, minutes, Body::TicketReopened(TicketReopened { ticket_id: ticket.into() }))
}

pub fn answered(id: &str, minutes: i64, survey: &str, score: u32) -> Event {
    let answer = SurveyAnswered { survey: survey.into(), score, ticket_id: None };
    event(id, minutes, Body::SurveyAnswered(answer))
}

pub fn promised(id: &str, minutes: i64, order: &str, by: EventTime) -> Event {
    let promise = DeliveryUpdated { order_id: order.into(), status: None, promised_at: Some(by) };
    event(id, minutes, Body::DeliveryUpdated(promise))
}

/// Everything that can happen between a shop and its customer.
pub fn history() -> Log {
    let mut log = Log::new(caring());
    log.event(&ordered("01-order", 0, "o-1"));
    log.event(&promised("02-promise", 10, "o-1", minute(2 * DAY)));
    log.event(&opened("03-opened", 3 * DAY, "t-1"));
    log.event(&resolved("04-resolved", 3 * DAY + 60, "t-1"));
    log.event(&reopened("05-reopened", 4 * DAY, "t-1"));
    log.event(&resolved("06-resolved", 4 * DAY + 60, "t-1"));
    log.event(&reopened("07-reopened", 5 * DAY, "t-1"));
    log.event(&resolved("08-resolved", 5 * DAY + 60, "t-1"));
    log.event(&answered("09-csat", 20 * DAY, "csat", 1));
    log.event(&answered("10-nps", 21 * DAY, "nps", 3));
    log.event(&answered("11-nps", 40 * DAY, "nps", 10));
    log.event(&ordered("12-order", 50 * DAY, "o-2"));
    log.event(&event("13-delivered", 51 * DAY, Body::Delivered(Delivered { order_id: "o-2".into() })));
    log.until(minute(70 * DAY));
    log
}

fn line(output: &engine::fold::Output) -> String {
    let event = structured(output);
    let data = |field: &str| text(&event, &format!("/data/{field}")).to_owned();
    format!("{} {} {}", output.topic, data("stage"), data("reason"))
}

#[test]
fn each_of_them_is_told_on_its_topic() {
    let told: Vec<_> = history().written().iter().map(line).collect();
    let expected = [
        "actions.delivery-delayed fired ",
        "actions.support-frustration fired ",
        "actions.review-request fired ",
        "actions.csat-low fired ",
        "actions.nps-detractor fired ",
        "actions.nps-promoter fired ",
        "actions.review-request fired ",
    ];
    let care: Vec<_> = told.iter().filter(|line| !line.starts_with("actions.cart")).collect();
    assert_eq!(care, expected.iter().collect::<Vec<_>>());
}

#[test]
fn an_open_ticket_mutes_advertising_until_it_is_resolved() {
    let mut settings = asking_all_gates();
    settings.care = Some(Rules::default());
    let mut log = Log::new(settings.clone());
    log.event(&added("e1", 0, "p1"));
    log.event(&opened("e2", 10, "t-1"));
    let told: Vec<_> = log.until(minute(250)).written().iter().map(line).collect();
    assert_eq!(told, ["actions.suppressed suppressed open_ticket"]);
    let mut settled = Log::new(settings);
    settled.event(&added("e1", 0, "p1"));
    settled.event(&opened("e2", 10, "t-1"));
    settled.event(&resolved("e3", 20, "t-1"));
    let told: Vec<_> = settled.until(minute(250)).written().iter().map(line).collect();
    assert_eq!(told, ["actions.cart-abandonment fired "]);
}

#[test]
fn a_delivery_whose_news_comes_late_takes_the_delay_back() {
    let mut log = Log::new(caring());
    log.event(&ordered("e1", 0, "o-1"));
    log.event(&promised("e2", 10, "o-1", minute(DAY)));
    log.until(minute(DAY + 60)).written();
    log.late(&event("e3", DAY - 5, Body::Delivered(Delivered { order_id: "o-1".into() })));
    let told: Vec<_> = log.written().iter().map(line).collect();
    assert_eq!(told, ["actions.delivery-delayed cancelled delivered_late"]);
}

#[test]
fn an_erased_customers_care_is_forgotten() {
    let mut log = Log::new(caring());
    log.event(&opened("e1", 0, "t-1"));
    log.event(&crate::log::erased("e2", 1));
    assert!(log.record("customer-17").is_some_and(|record| record.care.is_none()));
    assert!(log.until(EventTime::MAX).written().is_empty());
}
