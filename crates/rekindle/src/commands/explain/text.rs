//! An explanation for a person, section by section.

mod triggers;

use std::io::{self, Write};

use customer::words::money;

use super::account::Account;
use super::cart::{CartAccount, CartLine};
use super::profile::{ConsentStatement, ProfileAccount};
use super::{Explanation, KnownRecord, ReadAt};

/// Prints an explanation.
///
/// # Errors
/// If it cannot be written.
pub fn print(explanation: &Explanation, out: &mut impl Write) -> io::Result<()> {
    let Explanation { customer, read_at, trigger, record, findings } = explanation;
    writeln!(out, "Customer {customer}")?;
    print_position(read_at, out)?;
    match record {
        None => writeln!(out, "\nNo record: nothing is known of this customer there, or it was forgotten.")?,
        Some(KnownRecord { written_at, account }) => {
            writeln!(out, "  the record was last written at offset {written_at}")?;
            match trigger {
                Some(_) => triggers::print_one(&account.triggers, out)?,
                None => print_account(account, out)?,
            }
        }
    }
    if !findings.is_empty() {
        writeln!(out, "\nTo be looked into")?;
    }
    findings.iter().try_for_each(|finding| writeln!(out, "  {finding}"))
}

fn print_position(read_at: &ReadAt, out: &mut impl Write) -> io::Result<()> {
    let ReadAt { topic, partition, epoch, next_offset, buffered_from, watermark, held_by } = read_at;
    writeln!(out, "  partition {partition} of {topic}, read up to offset {next_offset} (epoch {epoch})")?;
    let held_by = held_by.as_ref().map_or(String::new(), |source| format!(", held by {source}"));
    writeln!(out, "  watermark {watermark}{held_by}")?;
    if buffered_from < next_offset {
        writeln!(out, "  events from offset {buffered_from} on may still wait for the watermark")?;
    }
    Ok(())
}

fn print_account(account: &Account, out: &mut impl Write) -> io::Result<()> {
    print_profile(&account.profile, out)?;
    print_consent(account, out)?;
    print_cart(account, out)?;
    triggers::print_all(&account.triggers, out)?;
    print_contacts(account, out)?;
    writeln!(out, "\nTimers")?;
    account.timers.iter().try_for_each(|timer| writeln!(out, "  {}  {}", timer.due, timer.what))
}

fn print_profile(profile: &ProfileAccount, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\nProfile")?;
    let times = [
        ("last event", &profile.last_event_at),
        ("last activity", &profile.last_activity_at),
        ("erased", &profile.erased_at),
    ];
    for (name, time) in times {
        if let Some(time) = time {
            writeln!(out, "  {name:<17}  {time}")?;
        }
    }
    match (&profile.first_order_at, &profile.last_order_at) {
        (Some(first), Some(last)) => {
            writeln!(out, "  {:<17}  {}, first {first}, last {last}", "orders", profile.orders)?;
        }
        _ => writeln!(out, "  {:<17}  none", "orders")?,
    }
    for fact in &profile.facts {
        writeln!(out, "  {:<17}  {} (stated {})", fact.about, fact.text, fact.stated_at)?;
    }
    Ok(())
}

fn print_consent(account: &Account, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\nConsent")?;
    if account.consents.is_empty() {
        writeln!(out, "  nothing was said")?;
    }
    for ConsentStatement { channel, purpose, granted, stated_at, event_id } in &account.consents {
        let word = if *granted { "granted" } else { "refused" };
        let channel = channel.as_deref().unwrap_or("every channel");
        let purpose = purpose.as_deref().unwrap_or("every purpose");
        writeln!(out, "  {word}  {channel}, {purpose}  {stated_at}  (event {event_id})")?;
    }
    for gate in &account.gates {
        let word = if gate.passed { "lets a message through" } else { "stops a message" };
        writeln!(out, "  the gate `{}` {word}: {}", gate.gate, gate.reason)?;
    }
    Ok(())
}

fn print_cart(account: &Account, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\nCart")?;
    let Some(cart) = &account.cart else { return writeln!(out, "  holds nothing") };
    if let Some(id) = &cart.cart_id {
        writeln!(out, "  id            {id}")?;
    }
    writeln!(out, "  opened        {}  (event {})", cart.opened_at, cart.opened_by)?;
    writeln!(out, "  last changed  {}  (event {})", cart.changed_at, cart.changed_by)?;
    if let Some(checkout) = &cart.checkout_at {
        writeln!(out, "  checkout      {checkout}")?;
    }
    cart.lines.iter().try_for_each(|line| writeln!(out, "  {}", line_in_words(line)))?;
    if cart.other_quantity > 0 {
        writeln!(out, "  {} x  products that are only counted", cart.other_quantity)?;
    }
    if let Some(value) = value_in_words(cart) {
        writeln!(out, "  worth {value}")?;
    }
    if account.abandoned_before > 0 {
        writeln!(out, "  carts abandoned before: {}", account.abandoned_before)?;
    }
    Ok(())
}

fn print_contacts(account: &Account, out: &mut impl Write) -> io::Result<()> {
    if account.contacts.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nContacts that count")?;
    for contact in &account.contacts {
        let sent = if contact.held_out { "held out" } else { "sent" };
        let outcome = match (&contact.outcome_by, contact.converted) {
            (_, true) => ", an order came of it".to_owned(),
            (Some(by), false) => format!(", an order counts for it until {by}"),
            (None, false) => ", no order came of it".to_owned(),
        };
        writeln!(out, "  {}  {} {sent}{outcome}", contact.at, contact.trigger)?;
        writeln!(out, "    trigger {}", contact.trigger_id)?;
    }
    Ok(())
}

fn line_in_words(line: &CartLine) -> String {
    let name = line.name.as_deref().unwrap_or(&line.product_id);
    let mut words = format!("{} x  {name}", line.quantity);
    let details = [line.name.as_ref().map(|_| line.product_id.as_str()), line.variant.as_deref()];
    let details: Vec<&str> = details.into_iter().flatten().collect();
    if !details.is_empty() {
        words += &format!(" ({})", details.join(", "));
    }
    if let (Some(price), Some(currency)) = (line.unit_price_minor, &line.currency) {
        words += &format!("  {} each", money(price, currency));
    }
    words
}

fn value_in_words(cart: &CartAccount) -> Option<String> {
    Some(money(cart.value_minor?, cart.currency.as_deref()?))
}
