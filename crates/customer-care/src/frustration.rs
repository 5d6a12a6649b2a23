//! Frustration: its signs, and the contentment that ends it.
//!
//! It begins with the first sign and is told once, until the customer is content or `again_after` has passed. The
//! customer is content with a CSAT of `content_from` or more once the ticket that it is about is resolved, in whichever
//! order the two come. Signs from before that count no more.

use customer::text::bounded_id;
use events::EventTime;

use crate::arming::Application;
use crate::effect::{Effect, Held, Reason};
use crate::rules::{FrustrationRule, Rules};
use crate::state::{Armed, CareState, FiredTrigger, Mark, Ticket};
use crate::tickets::count_within;
use crate::trigger::{Sign, Trigger};

impl CareState {
    /// The event is one opening or reopening more; whether it is one too many.
    pub(crate) fn count_sign(
        &mut self,
        at: &Application<'_>,
        sign: Sign,
        ticket_id: &str,
        effects: &mut Vec<Effect>,
    ) {
        let Some(rule) = &at.rules.support_frustration else { return };
        let (marks, needed) = match sign {
            Sign::Reopened => (&self.reopenings, rule.reopens),
            _ => (&self.openings, rule.tickets),
        };
        let mark = at.mark();
        let are_too_many = |group: &&[Mark]| {
            let (first, last) = (group[0], group[group.len() - 1]);
            group.contains(&mark) && last.at().since(first.at()) <= rule.within
        };
        let Some(group) = marks.windows(needed.max(1) as usize).find(are_too_many) else { return };
        let (first, last) = (group[0], group[group.len() - 1]);
        let armed = Armed {
            ticket_id: Some(bounded_id(ticket_id)),
            sign: sign.number(),
            counted_from: Some(first),
            ..at.armed(Trigger::SupportFrustration, last.at())
        };
        self.raise(at, armed, effects);
    }

    /// An order is refunded; with an open ticket that is a sign.
    pub(crate) fn note_refund(&mut self, at: &Application<'_>, order_id: &str, effects: &mut Vec<Effect>) {
        let mark = at.mark();
        let Some(ticket) = self.tickets.iter().find(|ticket| ticket.was_open_at(mark)) else { return };
        let armed = Armed {
            ticket_id: Some(ticket.ticket_id.clone()),
            order_id: Some(bounded_id(order_id)),
            sign: Sign::Refunded.number(),
            counted_from: Some(mark),
            ..at.armed(Trigger::SupportFrustration, at.event.occurred_at)
        };
        self.raise(at, armed, effects);
    }

    /// Takes back refunds at which, as is known now, no ticket was open.
    pub(crate) fn retract_refunds(&mut self, at: &Application<'_>, effects: &mut Vec<Effect>) {
        let tickets = std::mem::take(&mut self.tickets);
        let was_any_open = |armed: &Armed| tickets.iter().any(|ticket| ticket.was_open_at(armed.armed));
        let is_refund = |armed: &Armed| armed.sign == Sign::Refunded.number();
        self.disarm(Trigger::SupportFrustration, |armed| is_refund(armed) && !was_any_open(armed));
        let what = (Trigger::SupportFrustration, Reason::ResolvedLate);
        let is_wrong = |fired: &FiredTrigger| is_refund(&fired.armed) && !was_any_open(&fired.armed);
        let taken_back = self.retract(at, what, is_wrong, effects);
        self.undo_frustration(&taken_back);
        self.tickets = tickets;
    }

    /// The customer has rated a ticket well; that counts once it is resolved.
    pub(crate) fn rate_well(
        &mut self,
        at: &Application<'_>,
        ticket_id: Option<&str>,
        effects: &mut Vec<Effect>,
    ) {
        let mark = at.mark();
        let is_rated = |ticket: &Ticket| ticket_id.is_none_or(|id| ticket.is(id));
        let mut open: Vec<_> =
            self.tickets.iter_mut().filter(|ticket| ticket.was_open_at(mark) && is_rated(ticket)).collect();
        match open.as_mut_slice() {
            [] => self.be_content(at, effects),
            [ticket] if ticket.is_open() => ticket.is_rated_well = true,
            // It was resolved since, as a late answer finds it.
            [_] => self.be_content(at, effects),
            // Which of several it is about is not known.
            _ => {}
        }
    }

    /// The customer is content from this event on: signs from before it are over, and frustration with them.
    pub(crate) fn be_content(&mut self, at: &Application<'_>, effects: &mut Vec<Effect>) {
        let mark = at.mark();
        self.openings.retain(|known| *known > mark);
        self.reopenings.retain(|known| *known > mark);
        let is_over = |armed: &Armed| armed.counted_from.is_some_and(|first| first <= mark);
        self.disarm(Trigger::SupportFrustration, is_over);
        let what = (Trigger::SupportFrustration, Reason::ContentLate);
        let taken_back = self.retract(at, what, |fired| is_over(&fired.armed), effects);
        self.undo_frustration(&taken_back);
        self.frustrated.take_if(|since| *since <= mark);
    }

    /// Frustration that began by what was taken back has never been.
    pub(crate) fn undo_frustration(&mut self, taken_back_ms: &[i64]) {
        self.frustrated.take_if(|since| taken_back_ms.contains(&since.at_ms));
    }

    /// Begins frustration by a sign, unless it is the same that was told; the signs that hold at `now`.
    pub(crate) fn become_frustrated(
        &mut self,
        rules: &Rules,
        armed: &Armed,
        now: EventTime,
    ) -> Option<Vec<Held>> {
        let rule = rules.support_frustration.as_ref()?;
        let sign = Sign::numbered(armed.sign)?;
        let due = EventTime::from_millis(armed.due_ms);
        if self.frustrated.is_some_and(|since| due.since(since.at()) <= rule.again_after) {
            return None;
        }
        self.frustrated = Some(match sign {
            Sign::Unanswered => Mark::after_events(armed.due_ms),
            _ => Mark { at_ms: armed.due_ms, rank: armed.armed.rank },
        });
        Some(self.signs_that_hold(rule, sign, now))
    }

    fn signs_that_hold(&self, rule: &FrustrationRule, due: Sign, now: EventTime) -> Vec<Held> {
        let now_ms = now.as_millis();
        let is_unanswered = |ticket: &&Ticket| {
            let is_past = ticket.reply_due_ms.is_some_and(|due_ms| due_ms <= now_ms);
            is_past && ticket.answered_ms.is_none_or(|answered| Some(answered) > ticket.reply_due_ms)
        };
        let counts = [
            (Sign::Reopened, count_within(&self.reopenings, now_ms, rule.within), rule.reopens),
            (Sign::Tickets, count_within(&self.openings, now_ms, rule.within), rule.tickets),
            (Sign::Unanswered, self.tickets.iter().filter(is_unanswered).count(), 1),
            (Sign::Refunded, usize::from(due == Sign::Refunded), 1),
        ];
        let counts =
            counts.map(|(sign, count, needed)| (sign, u32::try_from(count).unwrap_or(u32::MAX), needed));
        let holds = counts.into_iter().filter(|(sign, count, needed)| *sign == due || count >= needed);
        holds.map(|(sign, count, _)| Held { sign, count }).collect()
    }
}
