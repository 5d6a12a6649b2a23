//! Tickets: which are open, which were answered in time, and which were forgotten.

use customer::text::bounded_id;
use events::{EventTime, Span};

use crate::arming::Application;
use crate::effect::{Effect, Reason};
use crate::state::{Armed, CareState, FiredTrigger, MOST_MARKS, MOST_TICKETS, Mark, Ticket};
use crate::trigger::{Sign, Trigger};

impl CareState {
    /// A ticket is opened. An id is opened once: what is said of it again is no other ticket.
    pub(crate) fn open_ticket(&mut self, at: &Application<'_>, ticket_id: &str, effects: &mut Vec<Effect>) {
        let mark = at.mark();
        let ticket = self.ticket(at, ticket_id);
        if ticket.is_counted {
            return;
        }
        ticket.is_counted = true;
        ticket.opened = Some(ticket.opened.map_or(mark, |known| known.min(mark)));
        insert(&mut self.openings, mark);
        self.time_reply(at, ticket_id);
        self.count_sign(at, Sign::Tickets, ticket_id, effects);
        self.retract_asking(at, ticket_id, effects);
    }

    /// A ticket is changed; a first reply is one by an agent, or by nobody in particular.
    pub(crate) fn update_ticket(
        &mut self,
        at: &Application<'_>,
        ticket_id: &str,
        author: Option<&str>,
        effects: &mut Vec<Effect>,
    ) {
        self.ticket(at, ticket_id);
        // A source that names no author would else have every ticket unanswered: better one alarm too few.
        if author.is_none_or(|author| author.eq_ignore_ascii_case("agent")) {
            self.answer_ticket(at, ticket_id, effects);
        }
    }

    /// A ticket is opened again. One of which nothing is known was answered once, or it would not have been resolved.
    pub(crate) fn reopen_ticket(&mut self, at: &Application<'_>, ticket_id: &str, effects: &mut Vec<Effect>) {
        let mark = at.mark();
        let ticket = self.ticket(at, ticket_id);
        if ticket.opened.is_none() {
            ticket.opened = Some(mark);
            ticket.answered_ms.get_or_insert(mark.at_ms);
        }
        if ticket.reopened < Some(mark) {
            ticket.reopened = Some(mark);
            ticket.is_rated_well = false;
        }
        insert(&mut self.reopenings, mark);
        self.count_sign(at, Sign::Reopened, ticket_id, effects);
        self.retract_asking(at, ticket_id, effects);
    }

    /// A ticket is resolved, and so answered.
    pub(crate) fn resolve_ticket(
        &mut self,
        at: &Application<'_>,
        ticket_id: &str,
        effects: &mut Vec<Effect>,
    ) {
        let mark = at.mark();
        let ticket = self.ticket(at, ticket_id);
        if ticket.closed < Some(mark) {
            ticket.closed = Some(mark);
        }
        let is_content = !ticket.is_open() && std::mem::take(&mut ticket.is_rated_well);
        self.answer_ticket(at, ticket_id, effects);
        self.retract_refunds(at, effects);
        if is_content {
            self.be_content(at, effects);
        }
    }

    /// Forgets the open tickets of which nothing was heard until `now`.
    pub(crate) fn forget_silent_tickets(&mut self, now: EventTime) {
        let is_forgotten = |ticket: &mut Ticket| ticket.is_open() && ticket.forget_ms <= now.as_millis();
        for forgotten in self.tickets.extract_if(.., is_forgotten) {
            self.armed.retain(|armed| !armed.is_reply_to(&forgotten.ticket_id));
        }
    }

    fn answer_ticket(&mut self, at: &Application<'_>, ticket_id: &str, effects: &mut Vec<Effect>) {
        let at_ms = at.mark().at_ms;
        let ticket = self.ticket(at, ticket_id);
        ticket.answered_ms = Some(ticket.answered_ms.map_or(at_ms, |known| known.min(at_ms)));
        if ticket.reply_due_ms.is_some_and(|due_ms| at_ms <= due_ms) {
            self.armed.retain(|armed| !armed.is_reply_to(ticket_id));
        }
        let what = (Trigger::SupportFrustration, Reason::AnsweredLate);
        let is_answered = |fired: &FiredTrigger| {
            let is_its = fired.is_sign(Sign::Unanswered) && fired.armed.is_about_ticket(ticket_id);
            is_its && at_ms <= fired.armed.due_ms
        };
        let taken_back = self.retract(at, what, is_answered, effects);
        self.undo_frustration(&taken_back);
    }

    /// Times the first reply, unless it is known to have come in time.
    fn time_reply(&mut self, at: &Application<'_>, ticket_id: &str) {
        let Some(rule) = &at.rules.support_frustration else { return };
        let due = rule.reply_due(at.event.occurred_at);
        let ticket = self.ticket(at, ticket_id);
        ticket.reply_due_ms = Some(due.as_millis());
        let is_answered = ticket.answered_ms.is_some_and(|answered_ms| answered_ms <= due.as_millis());
        if !is_answered {
            self.arm(
                at,
                Armed {
                    ticket_id: Some(bounded_id(ticket_id)),
                    sign: Sign::Unanswered.number(),
                    counted_from: Some(Mark::after_events(due.as_millis())),
                    ..at.armed(Trigger::SupportFrustration, due)
                },
            );
        }
    }

    /// Takes back what was asked of the customer while this ticket was open.
    fn retract_asking(&mut self, at: &Application<'_>, ticket_id: &str, effects: &mut Vec<Effect>) {
        let ticket = self.ticket(at, ticket_id).clone();
        for trigger in [Trigger::NpsPromoter, Trigger::ReviewRequest] {
            let what = (trigger, Reason::TicketOpenLate);
            self.retract(at, what, |fired| ticket.was_open_at(fired.fired), effects);
        }
    }

    /// The ticket of that id, known from now on if it was not.
    fn ticket(&mut self, at: &Application<'_>, ticket_id: &str) -> &mut Ticket {
        let place = match self.tickets.iter().position(|ticket| ticket.is(ticket_id)) {
            Some(place) => place,
            None => {
                self.make_room();
                self.tickets.push(Ticket { ticket_id: bounded_id(ticket_id), ..Ticket::default() });
                self.tickets.len() - 1
            }
        };
        let forget = at.moment.timer_at(at.event.occurred_at + at.rules.ticket_forgotten_after);
        let ticket = &mut self.tickets[place];
        ticket.forget_ms = ticket.forget_ms.max(forget.as_millis());
        ticket
    }

    fn make_room(&mut self) {
        if self.tickets.len() >= MOST_TICKETS {
            let over = self.tickets.iter().position(|ticket| !ticket.is_open()).unwrap_or(0);
            let forgotten = self.tickets.remove(over);
            self.armed.retain(|armed| !armed.is_reply_to(&forgotten.ticket_id));
        }
    }
}

impl Armed {
    /// Whether it waits for the first reply to this ticket.
    fn is_reply_to(&self, ticket_id: &str) -> bool {
        self.sign == Sign::Unanswered.number() && self.is_about_ticket(ticket_id)
    }
}

/// Puts a mark in its place; past the bound the oldest leaves.
fn insert(marks: &mut Vec<Mark>, mark: Mark) {
    let place = marks.partition_point(|known| *known <= mark);
    marks.insert(place, mark);
    let excess = marks.len().saturating_sub(MOST_MARKS);
    marks.drain(..excess);
}

/// The marks of the `within` before `end_ms`, both ends included.
pub(crate) fn count_within(marks: &[Mark], end_ms: i64, within: Span) -> usize {
    let start_ms = end_ms.saturating_sub(within.as_millis());
    marks.iter().filter(|mark| (start_ms..=end_ms).contains(&mark.at_ms)).count()
}
