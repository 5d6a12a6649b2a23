//! Where the triggers stand, for a person: those that wait first, soonest first, and those that lack something last.

use std::io::{self, Write};

use super::super::account::GateWord;
use super::super::trigger::{FiredAccount, InputAccount, ObstacleAccount, TriggerAccount, WaitAccount};

/// Prints all of them; of those that wait for nothing a line each.
///
/// # Errors
/// If they cannot be written.
pub fn print_all(triggers: &[TriggerAccount], out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\nTriggers")?;
    let mut triggers: Vec<_> = triggers.iter().collect();
    triggers.sort_by_key(|told| (place(told), told.waiting.first().map(|wait| &wait.fires_at)));
    for told in triggers {
        print_heading(told, out)?;
        print_occasions(told, out)?;
    }
    Ok(())
}

/// Prints the one that was asked about, with all that it hangs on.
///
/// # Errors
/// If it cannot be written.
pub fn print_one(triggers: &[TriggerAccount], out: &mut impl Write) -> io::Result<()> {
    for told in triggers {
        writeln!(out)?;
        print_heading(told, out)?;
        if let Some(obstacle) = &told.obstacle {
            print_inputs(&obstacle.inputs, out)?;
        }
        print_occasions(told, out)?;
    }
    Ok(())
}

fn place(told: &TriggerAccount) -> u8 {
    match told.state {
        "waiting" => 0,
        "fired" => 1,
        "held" => 2,
        _ => 3,
    }
}

fn print_heading(told: &TriggerAccount, out: &mut impl Write) -> io::Result<()> {
    let state = told.state.replace('_', " ");
    match &told.obstacle {
        Some(obstacle) => {
            writeln!(out, "  {:<20}  {state:<9}  {}", told.trigger, obstacle_in_words(obstacle))
        }
        None => writeln!(out, "  {:<20}  {state}", told.trigger),
    }
}

/// With the time from which on it is possible, unless the words say it.
fn obstacle_in_words(obstacle: &ObstacleAccount) -> String {
    match &obstacle.possible_from {
        Some(time) if !obstacle.words.contains(time) => format!("{}; possible from {time}", obstacle.words),
        _ => obstacle.words.clone(),
    }
}

fn print_occasions(told: &TriggerAccount, out: &mut impl Write) -> io::Result<()> {
    told.waiting.iter().try_for_each(|wait| print_wait(wait, out))?;
    told.fired.iter().try_for_each(|fired| print_fired(fired, out))
}

fn print_wait(wait: &WaitAccount, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "    {}", wait.words)?;
    print_inputs(&wait.inputs, out)?;
    let gates: Vec<String> = wait.gates.iter().map(gate_in_words).collect();
    if !gates.is_empty() {
        writeln!(out, "      gates: {}", gates.join(", "))?;
    }
    writeln!(out, "      its trigger id: {}", wait.trigger_id)
}

fn gate_in_words(gate: &GateWord) -> String {
    match gate.passed {
        true => format!("{} ({})", gate.gate, gate.reason),
        false => format!("{} stops it ({})", gate.gate, gate.reason),
    }
}

fn print_fired(fired: &FiredAccount, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "    fired {} (step {}), armed {}", fired.fired_at, fired.step, fired.armed_at)?;
    writeln!(out, "      trigger {}, episode {}", fired.trigger_id, fired.episode_id)?;
    writeln!(out, "      a late event can take it back until {}", fired.retractable_until)
}

fn print_inputs(inputs: &[InputAccount], out: &mut impl Write) -> io::Result<()> {
    inputs.iter().try_for_each(|input| writeln!(out, "      {:<18}  {}", input.name, input_in_words(input)))
}

fn input_in_words(input: &InputAccount) -> String {
    let mut words = Vec::new();
    words.extend(input.at.clone());
    words.extend(input.event_id.as_ref().map(|id| format!("(event {id})")));
    words.extend(input.value.clone());
    words.extend(input.threshold.as_ref().map(|threshold| match input.value {
        Some(_) => format!("(against {threshold})"),
        None => threshold.clone(),
    }));
    words.join(" ")
}
