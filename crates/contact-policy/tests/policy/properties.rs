//! What holds whatever is asked, and whenever.

use contact_policy::{CapWindow, Gate, Group};
use events::{EventTime, Span};
use proptest::prelude::*;

use crate::desk::{BROWSE, CART, CHECKOUT, DELAY, DORMANCY, Desk, START, Trigger, asking};

const TRIGGERS: [Trigger; 5] = [CART, CHECKOUT, BROWSE, DORMANCY, DELAY];

/// Which trigger, which episode of it, and how many minutes after the one before.
fn requests() -> impl Strategy<Value = Vec<(usize, u8, i64)>> {
    prop::collection::vec((0..TRIGGERS.len(), 0..20_u8, 0..3_000_i64), 1..60)
}

struct Sent {
    trigger: Trigger,
    at: EventTime,
    sends_at: EventTime,
}

fn run(desk: &mut Desk, requests: &[(usize, u8, i64)]) -> Vec<Sent> {
    let mut at = START;
    let mut sent = Vec::new();
    for (place, episode, minutes) in requests {
        at = at + Span::from_minutes(*minutes);
        let trigger = Trigger { episode: 10 * (*place as u8) + episode % 10, ..TRIGGERS[*place] };
        let judgement = desk.ask(trigger, at);
        if judgement.counts_as_contact() {
            sent.push(Sent { trigger, at, sends_at: judgement.not_before.unwrap_or(at) });
        }
        if episode % 4 == 0 {
            desk.orders(at + Span::from_minutes(1));
        }
        desk.history.close(&desk.settings.clone(), at);
    }
    sent
}

proptest! {
    #[test]
    fn two_intents_of_different_episodes_never_lie_within_the_cooldown(requests in requests()) {
        let mut desk = Desk::new(asking(&Gate::ALL));
        let sent = run(&mut desk, &requests);
        let pause = desk.settings.cooldown.intent;
        let intents: Vec<_> = sent.iter().filter(|sent| sent.trigger.group == Group::Intent).collect();
        for (place, one) in intents.iter().enumerate() {
            for other in &intents[place + 1..] {
                if one.trigger.episode != other.trigger.episode {
                    prop_assert!(other.at.since(one.at) > pause);
                    prop_assert!(other.sends_at.since(one.sends_at) > pause);
                }
            }
        }
    }

    #[test]
    fn no_window_holds_more_messages_than_the_cap(
        requests in requests(),
        days in 1..10_i64,
        in_all in 1..5_u32,
        quiet in any::<bool>(),
    ) {
        let mut settings = asking(&Gate::ALL);
        settings.enabled.retain(|gate| quiet || *gate != Gate::QuietHours);
        let window = Span::from_days(days);
        settings.frequency_cap.window = CapWindow::Rolling(window);
        (settings.frequency_cap.in_all, settings.frequency_cap.per_channel) = (in_all, in_all);
        let sent = run(&mut Desk::new(settings), &requests);
        let counted: Vec<_> = sent.iter().filter(|sent| sent.trigger.purpose == "advertising").collect();
        for last in &counted {
            for time in [last.at, last.sends_at] {
                let within = |sent: &&&Sent| time - window <= sent.sends_at && sent.sends_at <= time;
                prop_assert!(counted.iter().filter(within).count() <= in_all as usize);
            }
        }
    }

    #[test]
    fn no_calendar_days_hold_more_messages_than_the_cap(requests in requests(), days in 1..4_u32) {
        let mut settings = asking(&Gate::ALL);
        settings.frequency_cap.window = CapWindow::CalendarDays(days);
        (settings.frequency_cap.in_all, settings.frequency_cap.per_channel) = (1, 1);
        let mut desk = Desk::new(settings).living_in("America/New_York");
        let sent = run(&mut desk, &requests);
        let zone = customer::Zone::named("America/New_York").expect("a zone");
        let dates: Vec<_> = sent
            .iter()
            .filter(|sent| sent.trigger.purpose == "advertising")
            .map(|sent| zone.local(sent.sends_at).date())
            .collect();
        for pair in dates.windows(2) {
            let apart = pair[0].until(pair[1]).expect("dates").get_days();
            prop_assert!(apart >= i32::try_from(days).expect("few"), "{:?}", pair);
        }
    }

    #[test]
    fn the_history_is_bounded_and_every_contact_has_one_outcome(requests in requests()) {
        let mut settings = asking(&[Gate::Cooldown, Gate::Holdout]);
        settings.holdout.share_basis_points = 5_000;
        let mut desk = Desk::new(settings);
        let (mut at, mut contacts, mut outcomes) = (START, 0, 0);
        for (place, episode, minutes) in requests {
            let next = at + Span::from_minutes(minutes);
            while let Some(due) = desk.history.next_due().filter(|due| *due < next) {
                outcomes += desk.history.close(&desk.settings.clone(), due).len();
            }
            at = next;
            let trigger = Trigger { episode, ..TRIGGERS[place] };
            contacts += usize::from(desk.ask(trigger, at).counts_as_contact());
            prop_assert!(desk.history.contacts.len() <= contact_policy::history::MAX_CONTACTS);
            if desk.history.contacts.len() == contact_policy::history::MAX_CONTACTS {
                return Ok(());
            }
            if episode == 0 {
                outcomes += desk.orders(at + Span::from_minutes(1)).len();
            }
        }
        outcomes += desk.history.close(&desk.settings.clone(), EventTime::MAX).len();
        prop_assert_eq!(outcomes, contacts);
    }
}
