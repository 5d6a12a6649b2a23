//! Whether the loops of this process turn, and whether it is ready for its work, and if not, why.
//!
//! Must stay true: a component that has vanished without saying that it is finished counts as stalled, so that a dead
//! thread shows; a process in which nothing has begun is alive, but not ready.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// The name under which the process itself gives reasons.
const PROCESS: &str = "process";
/// Before the first beat.
const NEVER: u64 = u64::MAX;

/// The health of the process. A clone is the same.
#[derive(Clone, Debug)]
pub struct Health(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    began: Instant,
    hearts: Mutex<BTreeMap<String, Arc<Heart>>>,
    /// By component and reason.
    reasons: Mutex<BTreeMap<(String, &'static str), String>>,
}

#[derive(Debug)]
struct Heart {
    service: String,
    stall_after: Duration,
    registered: Instant,
    /// Milliseconds from the process's beginning to the last beat.
    last_beat: AtomicU64,
}

/// A loop that has not turned for too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stall {
    /// Whose loop.
    pub component: String,
    /// For how long it has not turned.
    pub silent_seconds: u64,
    /// How long it may.
    pub allowed_seconds: u64,
}

/// One reason why the process is not ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotReady {
    /// Whose reason.
    pub component: String,
    /// One word, such as `catching_up`.
    pub reason: &'static str,
    /// For people.
    pub detail: String,
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl Health {
    /// Of a process in which nothing has begun.
    pub fn new() -> Self {
        let (hearts, reasons) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Shared { began: Instant::now(), hearts, reasons }))
    }

    /// Registers a loop of a service, which from now on has to beat at least every `stall_after`, and is not ready before its first
    /// beat. A former component of that name is forgotten.
    pub fn component(&self, service: &str, name: &str, stall_after: Duration) -> Component {
        let (service, registered) = (service.to_owned(), Instant::now());
        let heart = Arc::new(Heart { service, stall_after, registered, last_beat: AtomicU64::new(NEVER) });
        self.forget_reasons_of(name);
        self.hearts().insert(name.to_owned(), Arc::clone(&heart));
        Component { health: self.clone(), name: name.to_owned(), heart }
    }

    /// Gives a reason of the process as a whole, such as `draining`.
    pub fn set(&self, reason: &'static str, detail: impl Into<String>) {
        self.set_for(PROCESS, reason, detail.into());
    }

    /// Takes a reason of the process as a whole back.
    pub fn clear(&self, reason: &'static str) {
        self.reasons().remove(&(PROCESS.to_owned(), reason));
    }

    /// The loops that stand still.
    pub fn stalls(&self) -> Vec<Stall> {
        self.stalls_at(Instant::now())
    }

    /// Each service of this process, and whether a loop of it stands still.
    pub(crate) fn stalled_services(&self) -> BTreeMap<String, bool> {
        let (hearts, now) = (self.hearts(), Instant::now());
        let mut services = BTreeMap::new();
        for heart in hearts.values() {
            *services.entry(heart.service.clone()).or_default() |= heart.is_stalled(self.0.began, now);
        }
        services
    }

    /// Every reason why the process is not ready; none if it is.
    pub fn not_ready(&self) -> Vec<NotReady> {
        self.not_ready_at(Instant::now())
    }

    fn stalls_at(&self, now: Instant) -> Vec<Stall> {
        let hearts = self.hearts();
        let stalled = hearts.iter().filter(|(_, heart)| heart.is_stalled(self.0.began, now));
        let described = stalled.map(|(component, heart)| Stall {
            component: component.clone(),
            silent_seconds: heart.silence(self.0.began, now).as_secs(),
            allowed_seconds: heart.stall_after.as_secs(),
        });
        described.collect()
    }

    fn not_ready_at(&self, now: Instant) -> Vec<NotReady> {
        let mut found = self.starting();
        found.extend(self.stalls_at(now).into_iter().map(|stall| NotReady {
            component: stall.component,
            reason: "stalled",
            detail: format!("its loop has not turned for {} s", stall.silent_seconds),
        }));
        found.extend(self.reasons().iter().map(|((component, reason), detail)| NotReady {
            component: component.clone(),
            reason,
            detail: detail.clone(),
        }));
        found
    }

    fn starting(&self) -> Vec<NotReady> {
        let starting = |component: &str, detail: &str| NotReady {
            component: component.to_owned(),
            reason: "starting",
            detail: detail.to_owned(),
        };
        let hearts = self.hearts();
        if hearts.is_empty() {
            return vec![starting(PROCESS, "no service runs")];
        }
        let unbeaten = hearts.iter().filter(|(_, heart)| heart.last_beat.load(Ordering::Relaxed) == NEVER);
        unbeaten.map(|(component, _)| starting(component, "its loop has not turned yet")).collect()
    }

    fn set_for(&self, component: &str, reason: &'static str, detail: String) {
        self.reasons().insert((component.to_owned(), reason), detail);
    }

    fn forget_reasons_of(&self, component: &str) {
        self.reasons().retain(|(owner, _), _| owner != component);
    }

    fn hearts(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Heart>>> {
        self.0.hearts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reasons(&self) -> MutexGuard<'_, BTreeMap<(String, &'static str), String>> {
        self.0.reasons.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heart {
    fn is_stalled(&self, began: Instant, now: Instant) -> bool {
        self.silence(began, now) > self.stall_after
    }

    fn silence(&self, began: Instant, now: Instant) -> Duration {
        now.saturating_duration_since(self.last_sign(began))
    }

    fn last_sign(&self, began: Instant) -> Instant {
        match self.last_beat.load(Ordering::Relaxed) {
            NEVER => self.registered,
            millis => began + Duration::from_millis(millis),
        }
    }
}

/// One loop of the process. To drop it without [`finish`](Self::finish) leaves it stalled, as a crash does.
#[derive(Debug)]
pub struct Component {
    health: Health,
    name: String,
    heart: Arc<Heart>,
}

impl Component {
    /// The loop turns. Cheap enough for every turn.
    pub fn beat(&self) {
        let millis = self.health.0.began.elapsed().as_millis() as u64;
        self.heart.last_beat.store(millis, Ordering::Relaxed);
    }

    /// Gives a reason why this component is not ready, or its newest detail.
    pub fn set(&self, reason: &'static str, detail: impl Into<String>) {
        self.health.set_for(&self.name, reason, detail.into());
    }

    /// Takes the reason back.
    pub fn clear(&self, reason: &'static str) {
        self.health.reasons().remove(&(self.name.clone(), reason));
    }

    /// The loop has ended as it should: it need not beat any longer, and its reasons go with it.
    pub fn finish(self) {
        self.health.forget_reasons_of(&self.name);
        let mut hearts = self.health.hearts();
        if hearts.get(&self.name).is_some_and(|heart| Arc::ptr_eq(heart, &self.heart)) {
            hearts.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: Duration = Duration::from_secs(10);

    fn reasons(health: &Health) -> Vec<(String, &'static str)> {
        health.not_ready().into_iter().map(|found| (found.component, found.reason)).collect()
    }

    #[test]
    fn a_process_in_which_nothing_has_begun_is_alive_and_not_ready() {
        let health = Health::new();
        assert!(health.stalls().is_empty());
        assert_eq!(reasons(&health), [("process".to_owned(), "starting")]);
    }

    #[test]
    fn a_loop_is_ready_with_its_first_beat() {
        let health = Health::new();
        let triggers = health.component("triggers", "triggers-0", ALLOWED);
        assert_eq!(reasons(&health), [("triggers-0".to_owned(), "starting")]);
        triggers.beat();
        assert!(health.not_ready().is_empty());
    }

    #[test]
    fn a_loop_that_does_not_turn_is_named() {
        let health = Health::new();
        let triggers = health.component("triggers", "triggers-0", ALLOWED);
        let ingest = health.component("ingest", "ingest-0", Duration::from_secs(60));
        triggers.beat();
        ingest.beat();
        let now = Instant::now();
        assert!(health.stalls_at(now + Duration::from_secs(9)).is_empty());
        let stalls = health.stalls_at(now + Duration::from_secs(13));
        assert_eq!(stalls.len(), 1);
        assert_eq!((stalls[0].component.as_str(), stalls[0].allowed_seconds), ("triggers-0", 10));
        assert_eq!(health.not_ready_at(now + Duration::from_secs(13))[0].reason, "stalled");
    }

    #[test]
    fn a_service_stalls_with_any_of_its_loops() {
        let health = Health::new();
        let loops = ["triggers-0", "triggers-1"].map(|name| health.component("triggers", name, ALLOWED));
        let ingest = health.component("ingest", "ingest-0", ALLOWED);
        let stuck = health.component("triggers", "triggers-2", Duration::ZERO);
        loops.iter().chain([&ingest, &stuck]).for_each(Component::beat);
        std::thread::sleep(Duration::from_millis(2));
        let stalled = |service: &str, is_stalled| (service.to_owned(), is_stalled);
        assert_eq!(health.stalled_services(), [stalled("ingest", false), stalled("triggers", true)].into());
        stuck.finish();
        assert_eq!(health.stalled_services(), [stalled("ingest", false), stalled("triggers", false)].into());
    }

    #[test]
    fn a_loop_that_turns_again_is_well_again() {
        let health = Health::new();
        let triggers = health.component("triggers", "triggers-0", Duration::from_millis(1));
        triggers.beat();
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(health.stalls().len(), 1);
        triggers.beat();
        let beaten = triggers.heart.last_sign(health.0.began);
        assert!(health.stalls_at(beaten).is_empty());
    }

    #[test]
    fn a_loop_that_never_begins_stalls_too() {
        let health = Health::new();
        let _triggers = health.component("triggers", "triggers-0", ALLOWED);
        assert_eq!(health.stalls_at(Instant::now() + Duration::from_secs(11)).len(), 1);
    }

    #[test]
    fn a_component_that_vanishes_stalls_and_one_that_finishes_does_not() {
        let health = Health::new();
        let later = || Instant::now() + Duration::from_secs(11);
        drop(health.component("triggers", "triggers-0", ALLOWED));
        assert_eq!(health.stalls_at(later()).len(), 1);
        let again = health.component("triggers", "triggers-0", ALLOWED);
        again.set("halted", "partition 3");
        again.finish();
        assert!(health.stalls_at(later()).is_empty());
        assert_eq!(reasons(&health), [("process".to_owned(), "starting")]);
    }

    #[test]
    fn reasons_are_set_renewed_and_cleared_one_by_one() {
        let health = Health::new();
        let triggers = health.component("triggers", "triggers-0", ALLOWED);
        triggers.beat();
        triggers.set("catching_up", "20 records behind");
        triggers.set("catching_up", "10 records behind");
        health.set("draining", "asked to stop");
        let details: Vec<_> = health.not_ready().into_iter().map(|found| found.detail).collect();
        assert_eq!(details, ["asked to stop", "10 records behind"]);
        triggers.clear("catching_up");
        health.clear("draining");
        assert!(health.not_ready().is_empty());
    }
}
