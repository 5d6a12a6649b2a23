//! Open tickets and the last answers to surveys.

use events::view::SurveyAnswered;
use events::{EventTime, Span};

use super::Rolling;
use crate::recent::fingerprint;

/// How many tickets are kept; past them a resolved one goes first, and then the one that nothing was heard of longest.
const MOST_TICKETS: usize = 8;
/// An open ticket of which nothing was heard for so long counts as closed: its resolution was lost, or never told.
const OPEN_FOR: Span = Span::from_days(90);
/// A resolved ticket is kept for so long, so that late news of its opening does not open it.
const RESOLVED_FOR: Span = Span::from_days(7);

/// A ticket.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Ticket {
    /// Hash of its id.
    #[prost(fixed64, tag = "1")]
    pub ticket: u64,
    /// When it was last opened, opened again or resolved.
    #[prost(sint64, tag = "2")]
    pub at_ms: i64,
    /// Whether that resolved it.
    #[prost(bool, tag = "3")]
    pub is_resolved: bool,
}

/// An answer to a survey.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Answer {
    /// What was answered.
    #[prost(uint32, tag = "1")]
    pub score: u32,
    /// When.
    #[prost(sint64, tag = "2")]
    pub at_ms: i64,
}

impl Ticket {
    /// Whether it is open at `now`.
    pub fn is_open(&self, now: EventTime) -> bool {
        !self.is_resolved && now.since(EventTime::from_millis(self.at_ms)) < OPEN_FOR
    }

    fn is_worth_keeping(&self, now: EventTime) -> bool {
        self.is_open(now)
            || (self.is_resolved && now.since(EventTime::from_millis(self.at_ms)) < RESOLVED_FOR)
    }
}

/// Notes that a ticket was opened or resolved. Of two words the later counts, and at equal times the resolution.
pub(super) fn note_ticket(tickets: &mut Vec<Ticket>, ticket_id: &str, at_ms: i64, is_open: bool) {
    let news = Ticket { ticket: fingerprint(ticket_id), at_ms, is_resolved: !is_open };
    match tickets.iter_mut().find(|known| known.ticket == news.ticket) {
        Some(known) if (known.at_ms, known.is_resolved) < (news.at_ms, news.is_resolved) => *known = news,
        Some(_) => {}
        None => tickets.push(news),
    }
    tickets.sort_unstable_by_key(|ticket| (ticket.at_ms, ticket.ticket));
    let newest = tickets.last().map_or(at_ms, |ticket| ticket.at_ms);
    tickets.retain(|ticket| ticket.is_worth_keeping(EventTime::from_millis(newest)));
    while tickets.len() > MOST_TICKETS {
        tickets.remove(tickets.iter().position(|ticket| ticket.is_resolved).unwrap_or(0));
    }
}

impl Rolling {
    pub(super) fn note_answer(&mut self, answer: &SurveyAnswered, at_ms: i64) {
        let known = match answer.survey {
            "csat" => &mut self.csat,
            "nps" => &mut self.nps,
            "ces" => &mut self.ces,
            _ => return,
        };
        let news = Answer { score: answer.score, at_ms };
        // At equal times the lower score counts, or the order of arrival would decide.
        let is_news = |known: Answer| {
            known.at_ms < news.at_ms || (known.at_ms == news.at_ms && news.score < known.score)
        };
        if known.is_none_or(is_news) {
            *known = Some(news);
        }
    }
}
