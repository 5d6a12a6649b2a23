//! Answers to surveys: low ones are reported until somebody has followed them up, high ones after a day.
//!
//! Of each survey the last answer counts; an older one that comes late is history.

use customer::text::bounded_id;
use events::view::{FollowUpRecorded, SurveyAnswered};

use crate::arming::Application;
use crate::effect::{Effect, Reason};
use crate::rules::AlertRule;
use crate::state::{Alert, Armed, CareState};
use crate::trigger::Trigger;

impl CareState {
    pub(crate) fn note_answer(
        &mut self,
        at: &Application<'_>,
        answer: &SurveyAnswered,
        effects: &mut Vec<Effect>,
    ) {
        match answer.survey {
            "csat" => self.note_csat(at, answer, effects),
            "nps" => self.note_nps(at, answer, effects),
            _ => {}
        }
    }

    /// Somebody has seen to the customer: the alerts that it speaks of are over.
    pub(crate) fn follow_up(
        &mut self,
        at: &Application<'_>,
        follow_up: &FollowUpRecorded,
        effects: &mut Vec<Effect>,
    ) {
        let mark = at.mark();
        let ticket_id = follow_up.ticket_id.map(bounded_id);
        let may_be = |other: &Option<String>| match (&ticket_id, other) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        };
        for (trigger, survey) in [(Trigger::CsatLow, "csat"), (Trigger::NpsDetractor, "nps")] {
            if follow_up.survey.is_some_and(|followed| followed != survey) {
                continue;
            }
            let is_followed = |armed: &Armed| armed.armed <= mark && may_be(&armed.ticket_id);
            self.disarm(trigger, is_followed);
            self.retract(at, (trigger, Reason::FollowedUpLate), |fired| is_followed(&fired.armed), effects);
            let alert = self.alert_of(trigger);
            alert.take_if(|alert| alert.answered <= mark && may_be(&alert.ticket_id));
        }
    }

    fn note_csat(&mut self, at: &Application<'_>, answer: &SurveyAnswered, effects: &mut Vec<Effect>) {
        let rules = at.rules;
        if rules.support_frustration.as_ref().is_some_and(|rule| answer.score >= rule.content_from) {
            self.rate_well(at, answer.ticket_id, effects);
        }
        if rules.review_request.as_ref().is_some_and(|rule| answer.score <= rule.low_csat) {
            self.end_all_reviews(at, Reason::LowCsatLate, effects);
        }
        if self.last_csat >= Some(at.mark()) {
            return;
        }
        self.last_csat = Some(at.mark());
        self.report_low(at, (Trigger::CsatLow, rules.csat_low.as_ref()), answer, effects);
    }

    fn note_nps(&mut self, at: &Application<'_>, answer: &SurveyAnswered, effects: &mut Vec<Effect>) {
        let mark = at.mark();
        let is_high = at.rules.nps_promoter.as_ref().filter(|rule| answer.score >= rule.from);
        if is_high.is_none() {
            let what = (Trigger::NpsPromoter, Reason::RatedLowerLate);
            self.retract(at, what, |fired| fired.armed.armed < mark, effects);
        }
        if self.last_nps >= Some(mark) {
            return;
        }
        self.last_nps = Some(mark);
        self.disarm(Trigger::NpsPromoter, |_| true);
        if let Some(rule) = is_high {
            let due = at.event.occurred_at + rule.wait;
            self.arm(at, answered(at, Trigger::NpsPromoter, answer, due));
        }
        self.report_low(at, (Trigger::NpsDetractor, at.rules.nps_detractor.as_ref()), answer, effects);
    }

    fn report_low(
        &mut self,
        at: &Application<'_>,
        (trigger, rule): (Trigger, Option<&AlertRule>),
        answer: &SurveyAnswered,
        effects: &mut Vec<Effect>,
    ) {
        let Some(rule) = rule.filter(|rule| answer.score <= rule.up_to) else { return };
        let answered_at = at.event.occurred_at;
        let alert = self.alert_of(trigger);
        if alert.as_ref().is_some_and(|alert| answered_at.since(alert.answered.at()) <= rule.valid_for) {
            return;
        }
        let ticket_id = answer.ticket_id.map(bounded_id);
        *alert = Some(Alert { answered: at.mark(), ticket_id });
        self.raise(at, answered(at, trigger, answer, answered_at), effects);
    }

    fn alert_of(&mut self, trigger: Trigger) -> &mut Option<Alert> {
        if trigger == Trigger::CsatLow { &mut self.csat_alert } else { &mut self.nps_alert }
    }
}

fn answered(
    at: &Application<'_>,
    trigger: Trigger,
    answer: &SurveyAnswered,
    due: events::EventTime,
) -> Armed {
    Armed { ticket_id: answer.ticket_id.map(bounded_id), score: answer.score, ..at.armed(trigger, due) }
}
